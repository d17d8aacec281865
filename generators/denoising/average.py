"""A moving average of a network's weights, which samples instead of the last weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Decay = Callable[[int], float]
"""Share of the old average that optimiser step `number` (from 1) keeps: 1 leaves it as it is, 0 copies the weights."""


class Average:
    """Follows `network` from the weights it has now; `model` is its twin with the averaged ones."""

    def __init__(self, network: nn.Module, decay: Decay) -> None:
        self.network, self.decay = network, decay
        self.model = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def update(self, number: int) -> None:
        """Move towards the weights after optimiser step `number`."""
        share = 1 - self.decay(number)
        if share:
            for own, new in zip(self.model.parameters(), self.network.parameters(), strict=True):
                own.lerp_(new, share)

    def state_dict(self) -> dict[str, Any]:
        """Of the averaged network."""
        return self.model.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from another's `state_dict`."""
        self.model.load_state_dict(state)
