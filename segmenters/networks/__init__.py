"""The networks themselves, one a file, with the entries of the released checkpoints; and the reading of such files."""
