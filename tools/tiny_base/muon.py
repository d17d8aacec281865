"""Muon (Jordan et al., 2024): momentum whose matrix gives way to its nearest orthogonal one. Faster here than Adam."""

from __future__ import annotations

from collections.abc import Iterable

import torch


def orthogonalise(matrix: torch.Tensor, rounds: int = 5) -> torch.Tensor:
    """(rows, columns) with all singular values brought near 1, by Newton–Schulz iteration (Jordan's coefficients)."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / (wide.norm() + 1e-7)
    for _ in range(rounds):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x if matrix.shape[0] <= matrix.shape[1] else x.T


class Muon(torch.optim.Optimizer):
    """For weights of two or more dimensions (a convolution's are flattened). `lr` is on AdamW's scale.

    The update's root mean square is 0.2 of `lr`, as AdamW's is about (Moonshot's rule).
    """

    def __init__(self, weights: Iterable[torch.Tensor], lr: float, momentum: float = 0.95, decay: float = 0.01) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                self._update(weight, group)

    def _update(self, weight: torch.Tensor, group: dict) -> None:
        state = self.state[weight]
        if not state:
            state["mean"] = torch.zeros_like(weight)
        state["mean"].lerp_(weight.grad, 1 - group["momentum"])
        nesterov = weight.grad.lerp(state["mean"], group["momentum"]).flatten(1)
        size = 0.2 * max(nesterov.shape) ** 0.5
        weight.mul_(1 - group["lr"] * group["decay"])
        weight.sub_(orthogonalise(nesterov).view_as(weight), alpha=group["lr"] * size)
