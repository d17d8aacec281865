"""From what was asked to the stages that answer it. Pure: nothing is computed or read."""
