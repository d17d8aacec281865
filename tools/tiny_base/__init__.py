"""The bundled tiny base model and the commands that trained it."""
