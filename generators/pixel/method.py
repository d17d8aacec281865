"""What a generator on pixels is made of: its network, its noise schedule, its loss and its sampler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Walk:
    """diffusers' scheduler from noise to image in `steps`, with the options that its `step` takes."""

    scheduler: Any
    steps: int
    options: Mapping[str, float] = field(default_factory=dict)


class PixelMethod:
    """Predicts the noise in noisy images, given their masks."""

    def __init__(self, network: nn.Module, alphas: torch.Tensor) -> None:
        self.network, self.alphas = network, alphas

    @property
    def timesteps(self) -> int:
        """Of the noise schedule in training; t runs from 0 to one less."""
        return len(self.alphas)

    def prepare(self, masks: torch.Tensor) -> Any:
        """What `predict` needs of masks (n, 1, h, w) in [0, 1]."""
        raise NotImplementedError

    def prepare_walk(self, masks: torch.Tensor) -> Any:
        """The same for all steps of the sampler: what depends on the masks alone may be kept from step to step."""
        return self.prepare(masks)

    def predict(self, network: nn.Module, x: torch.Tensor, t: torch.Tensor, prepared: Any) -> torch.Tensor:
        """Noise in x (n, 3, h, w) at t (n,), by `network`: the trained one or the average that follows it."""
        raise NotImplementedError

    def loss(self, predicted: torch.Tensor, noise: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """One number, the mean over the batch."""
        raise NotImplementedError
