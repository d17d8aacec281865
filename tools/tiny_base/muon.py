"""torch's Muon (Jordan et al., 2024) for networks with convolutions. It needs torch >= 2.9."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch


class Muon(torch.optim.Muon):
    """For weights of two or more dimensions: a convolution's are its matrix (out, in × height × width).

    `lr` is on AdamW's scale: the update's root mean square is 0.2 of it, as AdamW's is about (Moonshot's rule).
    """

    def __init__(self, weights: Iterable[torch.Tensor], lr: float) -> None:
        self.weights = list(weights)
        # Views: what is done to a matrix is done to its weight.
        matrices = [torch.nn.Parameter(weight.detach().view(len(weight), -1)) for weight in self.weights]
        super().__init__(matrices, lr, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update from the gradients of the weights."""
        for matrix, weight in zip(self.param_groups[0]["params"], self.weights, strict=True):
            matrix.grad = None if weight.grad is None else weight.grad.reshape(matrix.shape)
        return super().step(closure)
