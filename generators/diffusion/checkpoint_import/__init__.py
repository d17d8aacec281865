"""Weights that a method's authors published, turned into a folder in diffusers' format and read from there."""
