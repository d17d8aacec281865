"""ArSDM's method: the mask in the norms, and a loss in which a small lesion weighs as much as its background."""

from __future__ import annotations

import torch
from torch import nn

from generators.pixel.method import PixelMethod
from generators.pixel.spade import Sight, SpadeUnet, by_class


class AdaptiveMethod(PixelMethod):
    """`room`: bytes that the norms may keep of a batch's masks while it is sampled."""

    def __init__(self, network: SpadeUnet, alphas: torch.Tensor, room: float) -> None:
        super().__init__(network, alphas)
        self.room = room

    def prepare(self, masks: torch.Tensor) -> Sight:
        return Sight(by_class(masks))

    def prepare_walk(self, masks: torch.Tensor) -> Sight:
        return Sight(by_class(masks), self.room)

    def predict(self, network: nn.Module, x: torch.Tensor, t: torch.Tensor, prepared: Sight) -> torch.Tensor:
        return network(x, t, prepared)

    def loss(self, predicted: torch.Tensor, noise: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        return adaptive_loss(predicted, noise, masks).mean()


def adaptive_loss(predicted: torch.Tensor, noise: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """(n,): mean absolute difference, a pixel of a lesion × (1 - r), one of background × r, where r is the lesion's
    share of the image. 0 for a mask that is empty or full, as in the authors' code."""
    share = masks.mean((1, 2, 3), keepdim=True)
    weight = masks * (1 - share) + (1 - masks) * share
    return ((noise - predicted).abs() * weight).mean((1, 2, 3))
