"""Generators: one file a method; `diffusion/` holds what several of them share."""
