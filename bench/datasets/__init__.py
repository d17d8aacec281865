"""Datasets: one file each says which image–mask pairs exist."""
