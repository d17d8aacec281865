"""Methods whose network sees the mask as further channels of the noisy image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from generators.pixel.method import PixelMethod

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class ConcatenatedMethod(PixelMethod):
    """`channels` makes the further channels of masks (n, 1, h, w) in [0, 1]; `distance` compares noise with noise."""

    def __init__(
        self,
        network: nn.Module,
        alphas: torch.Tensor,
        channels: Callable[[torch.Tensor], torch.Tensor],
        distance: Loss,
    ) -> None:
        super().__init__(network, alphas)
        self.channels, self.distance = channels, distance

    def prepare(self, masks: torch.Tensor) -> torch.Tensor:
        return self.channels(masks)

    def predict(self, network: nn.Module, x: torch.Tensor, t: torch.Tensor, prepared: Any) -> torch.Tensor:
        return network(torch.cat([x, prepared], 1), t).sample

    def loss(self, predicted: torch.Tensor, noise: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        return self.distance(predicted, noise)
