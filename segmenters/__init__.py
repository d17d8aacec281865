"""Segmenters: one file a network with its published recipe; `networks/` holds the networks, `training/` their loop."""
