"""ControlNets whose hint is the mask and the image of a pair, side by side or one upon the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from generators.diffusion.conditioning.control import hint_features
from generators.diffusion.conditioning.method import ControlNetMethod


@dataclass(frozen=True)
class MaskImageMethod(ControlNetMethod):
    """Six hint channels: three of the mask, three of the image. Training and sampling need both."""

    uses_image = True

    def prepare(self, mask: torch.Tensor, image: torch.Tensor | None) -> torch.Tensor:
        assert image is not None
        return hint_features(self.nets.controlnet, torch.cat([mask, image], 1))


@dataclass(frozen=True)
class PaintedMethod(ControlNetMethod):
    """Three hint channels: the image, white where the mask is. Training and sampling need both."""

    uses_image = True

    def prepare(self, mask: torch.Tensor, image: torch.Tensor | None) -> torch.Tensor:
        assert image is not None
        return hint_features(self.nets.controlnet, painted(mask, image))


def painted(mask: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Image in [0, 1] with white at the mask in {0, 1}, both (n, 3, h, w): `image OR mask` of their bits."""
    return torch.maximum(mask, image)
