"""Learning rates over epochs and updates."""

from __future__ import annotations

from collections.abc import Callable

import torch

START = 1e-6
"""Share of the learning rate at the first update of a warm-up."""


class HalvedTwice(torch.optim.lr_scheduler.MultiStepLR):
    """Half the rate from epoch `epochs / 2` on and a quarter from `3 / 4 epochs` on, epochs counted from one."""

    def __init__(self, optimizer: torch.optim.Optimizer, epochs: int) -> None:
        super().__init__(optimizer, [epochs // 2 - 1, epochs * 3 // 4 - 1], gamma=0.5)

    def step(self, watched: float = 0.0) -> None:
        """The loss that the loop watches decides nothing."""
        super().step()


def warm_up_and_fall(warmup: float, power: float) -> Callable[[int, int], float]:
    """Share of the rate at update `done` of `total`, as mmsegmentation's LinearLR and PolyLR in turn.

    It rises evenly over the first `warmup` × `total` updates, then falls to 0 at the last with the power of what is
    left.
    """

    def share(done: int, total: int) -> float:
        rising = round(warmup * total)
        if done < rising:
            return START + (1 - START) * done / max(rising - 1, 1)
        left = 1 - (done - rising) / max(total - rising - 1, 1)
        return max(left, 0.0) ** power

    return share
