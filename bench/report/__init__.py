"""Numbers with their uncertainty as tables, texts and files. Pure but for `write`."""
