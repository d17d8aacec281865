"""CTNet: the network, its pixel contrast and its published recipe."""
