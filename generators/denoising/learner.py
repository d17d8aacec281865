"""Networks that learn: their optimiser, its schedule, and the moving average that follows them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from generators.denoising.average import Average


def constant(number: int) -> float:  # noqa: ARG001 (a rate of any other kind looks)
    """The whole learning rate at every step."""
    return 1.0


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """AdamW; without `weight_decay` it is Adam. Step k, from 0, takes the share `rate(k)` of the learning rate `lr`.
    Gradients of all parameters together longer than `clip` are shortened to it."""

    steps: int
    lr: float
    weight_decay: float
    checkpoint_every: int
    rate: Callable[[int], float] = constant
    clip: float = math.inf


class Learner:
    """Of `modules` the parameters that require a gradient are trained."""

    def __init__(self, modules: Mapping[str, nn.Module], schedule: Schedule, average: Average | None = None) -> None:
        self.modules, self.schedule, self.average = modules, schedule, average
        self.parameters = [p for module in modules.values() for p in module.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, schedule.lr, weight_decay=schedule.weight_decay)

    def step(self, number: int) -> None:
        """Optimiser step `number`, from 1, down the gradients that the parameters hold."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.lr * self.schedule.rate(number - 1)
        if math.isfinite(self.schedule.clip):
            nn.utils.clip_grad_norm_(self.parameters, self.schedule.clip)
        self.optimizer.step()
        if self.average:
            self.average.update(number)

    def state(self) -> dict[str, Any]:
        """All that a resumed training needs of it."""
        average = {"average": self.average.state_dict()} if self.average else {}
        modules = {name: module.state_dict() for name, module in self.modules.items()}
        return {"modules": modules, "optimizer": self.optimizer.state_dict(), **average}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Bring networks, optimiser and average to where they were."""
        for name, module in self.modules.items():
            module.load_state_dict(state["modules"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average:
            self.average.load_state_dict(state["average"])
