"""Polyp-PVT: the network and its published recipe."""
