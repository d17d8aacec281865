"""The plain four-level U-Net of Awesome-U-Net (NITR098), without normalisation layers."""

from __future__ import annotations

import torch
from torch import nn


class DoubleConv(nn.Module):
    """Two 3×3 convolutions, each followed by ReLU."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.step = nn.Sequential(
            nn.Conv2d(into, out, 3, padding=1), nn.ReLU(), nn.Conv2d(out, out, 3, padding=1), nn.ReLU()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.step(x)


class UNetNetwork(nn.Module):
    """Widths w, 2w, 4w, 8w; three poolings; bilinear up; two logits. w = 32: 1,946,914 parameters."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        w = width
        self.en_1, self.en_2 = DoubleConv(3, w), DoubleConv(w, 2 * w)
        self.en_3, self.en_4 = DoubleConv(2 * w, 4 * w), DoubleConv(4 * w, 8 * w)
        self.de_1, self.de_2 = DoubleConv(12 * w, 4 * w), DoubleConv(6 * w, 2 * w)
        self.de_3, self.de_4 = DoubleConv(3 * w, w), nn.Conv2d(w, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) with sides divisible by 8 -> logits (n, 2, h, w), background first."""
        one = self.en_1(x)
        two = self.en_2(nn.functional.max_pool2d(one, 2))
        three = self.en_3(nn.functional.max_pool2d(two, 2))
        x = self.en_4(nn.functional.max_pool2d(three, 2))
        x = self.de_1(torch.cat([_up(x), three], 1))
        x = self.de_2(torch.cat([_up(x), two], 1))
        x = self.de_3(torch.cat([_up(x), one], 1))
        return self.de_4(x)


def _up(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
