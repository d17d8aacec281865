"""U-Net: the network and its published recipe."""
