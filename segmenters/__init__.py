"""Segmenters: one file a network and its published recipe; `training/` holds the loop they share."""
