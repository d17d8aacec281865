"""Pixels as networks pretrained on ImageNet expect them."""

from __future__ import annotations

import torch

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def imagenet(images: torch.Tensor) -> torch.Tensor:
    """Float RGB (n, 3, h, w) in [0, 255] -> [0, 1], less ImageNet's mean, over its standard deviation."""
    mean, std = (images.new_tensor(values)[:, None, None] for values in (MEAN, STD))
    return (images / 255 - mean) / std


def stretch(images: torch.Tensor) -> torch.Tensor:
    """Each image (3, h, w) to [0, 1] by its own minimum and maximum; a constant image becomes 0, not NaN."""
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    return (images - low) / (high - low).clamp(min=1e-6)
