"""SPADE: norms whose scale and shift depend on the mask (Park et al., CVPR 2019), in the U-Net's middle and decoder."""

from __future__ import annotations

import torch
from diffusers.models.resnet import ResnetBlock2D
from torch import nn
from torch.nn.functional import interpolate

from generators.pixel.unet import UnetShape, build_residual

CLASSES = 2
"""Background and lesion."""

Modulation = tuple[torch.Tensor, torch.Tensor]
"""1 + gamma and beta, each (n, channels, h, w)."""


class Spade(nn.Module):
    """Group norm without weights of its own, then × (1 + gamma) + beta, both from the masks in `sight`."""

    sight: Sight

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, affine=False)
        self.shared = nn.Conv2d(CLASSES, hidden, 3, padding=1)
        self.gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w)."""
        scale, shift = self.sight.of(self, x.shape[2:])
        return self.norm(x) * scale + shift

    def modulation(self, classes: torch.Tensor, side: torch.Size) -> Modulation:
        """For masks by class (n, 2, h, w), at that size."""
        hidden = self.shared(interpolate(classes, size=side, mode="nearest")).relu()
        return 1 + self.gamma(hidden), self.beta(hidden)


class Sight:
    """The masks by class (n, 2, h, w) that norms look at. What they have made of them depends on nothing else, so it is
    kept for the next step, up to `room` bytes."""

    def __init__(self, classes: torch.Tensor, room: float = 0) -> None:
        self.classes, self.room = classes, room
        self.known: dict[Spade, Modulation] = {}

    def of(self, norm: Spade, side: torch.Size) -> Modulation:
        """That of `norm`, whose map has this size."""
        if norm in self.known:
            return self.known[norm]
        made = norm.modulation(self.classes, side)
        size = sum(part.nbytes for part in made)
        if size <= self.room:
            self.room -= size
            self.known[norm] = made
        return made


class SpadeUnet(nn.Module):
    """Guided diffusion's U-Net whose middle and decoder see the mask in their norms."""

    def __init__(self, shape: UnetShape, hidden: int) -> None:
        super().__init__()
        self.unet = build_residual(shape)
        for part in (self.unet.mid_block, self.unet.up_blocks):
            for block in part.modules():
                if isinstance(block, ResnetBlock2D):
                    block.norm1 = Spade(block.norm1.num_channels, hidden)
                    block.norm2 = Spade(block.norm2.num_channels, hidden)

    def forward(self, x: torch.Tensor, t: torch.Tensor, sight: Sight) -> torch.Tensor:
        """Noise (n, 3, h, w) in x of that shape at t (n,)."""
        for module in self.modules():
            if isinstance(module, Spade):
                module.sight = sight
        return self.unet(x, t).sample


def by_class(masks: torch.Tensor) -> torch.Tensor:
    """(n, 1, h, w) in [0, 1] -> (n, 2, h, w), one-hot; below 1 is background, as the authors' code has it."""
    lesion = (masks >= 1).to(masks.dtype)
    return torch.cat([1 - lesion, lesion], 1)
