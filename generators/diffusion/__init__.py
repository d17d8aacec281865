"""Latent diffusion steered by masks: what the generators on a pretrained Stable Diffusion share.

`latent`, `generator` and `published` are the classes that a generator's file subclasses; they stand above the rooms.
"""
