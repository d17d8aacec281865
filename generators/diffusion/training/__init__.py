"""From pairs to trained networks: the cached training set, batches, steps of the methods, the loop, its pictures."""
