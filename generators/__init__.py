"""Generators: one file each; `diffusion/` holds what several share."""
