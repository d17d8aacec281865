"""Learning rates over epochs."""

from __future__ import annotations

import torch


class HalvedTwice(torch.optim.lr_scheduler.MultiStepLR):
    """Half the rate from epoch `epochs / 2` on and a quarter from `3 / 4 epochs` on, epochs counted from one."""

    def __init__(self, optimizer: torch.optim.Optimizer, epochs: int) -> None:
        super().__init__(optimizer, [epochs // 2 - 1, epochs * 3 // 4 - 1], gamma=0.5)

    def step(self, watched: float = 0.0) -> None:
        """The loss that the loop watches decides nothing."""
        super().step()
