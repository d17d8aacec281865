"""From a network's output to the map of one image, at the image's own size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn.functional import interpolate

Logits = Callable[[torch.nn.Module, torch.Tensor], torch.Tensor]
LesionMap = Callable[[torch.Tensor, tuple[int, int]], torch.Tensor]


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


def stretched_lesion_map(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """`lesion_map`, each map then `stretched`."""
    return stretched(lesion_map(logits, size))


def output(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What a network gives whose output is its logits."""
    logits: torch.Tensor = model(images)
    return logits


@dataclass(frozen=True)
class MapHead:
    """`logits`: network and normalised images (n, 3, h, w) -> logits (n, c, h', w'). `lesion_map`: such logits and the
    images' own (height, width) -> probabilities (n, height, width) in [0, 1].
    """

    logits: Logits = output
    lesion_map: LesionMap = lesion_map

    def probability(self, model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """Maps at the size of the normalised images themselves: (n, 3, h, w) -> (n, h, w)."""
        return self.lesion_map(self.logits(model, images), (images.shape[2], images.shape[3]))
