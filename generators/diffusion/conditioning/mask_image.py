"""A ControlNet whose hint is the mask and the image of a pair, side by side."""

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
