"""Diffusion on pixels, steered by masks: what the generators without a pretrained base model share."""
