"""From names and settings to plugins that are ready to use."""
