"""SANet: the network and its published recipe."""
