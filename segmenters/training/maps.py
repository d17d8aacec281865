"""From a network's logits to the map of one image, at the image's own size."""

from __future__ import annotations

import torch
from torch.nn.functional import interpolate


def lesion_map(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Logits (n, c, h, w), bilinear to `size` -> probabilities (n, *size).

    Of two logits the second is the lesion's (softmax), one is the lesion's alone (sigmoid).
    """
    logits = interpolate(logits, size, mode="bilinear", align_corners=False)
    return logits[:, 0].sigmoid() if logits.shape[1] == 1 else logits.softmax(1)[:, 1]


def stretched(maps: torch.Tensor) -> torch.Tensor:
    """Each map (n, h, w) to [0, 1] by its own minimum and maximum; a constant one becomes 0."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - low) / (high - low + 1e-8)
