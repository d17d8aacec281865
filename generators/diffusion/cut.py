"""Cuts an autograd graph in two, so that what lies behind the cut is differentiated, and freed, early."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def cut(tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The same values, where a new graph begins."""
    return tuple(tensor.detach().requires_grad_() for tensor in tensors)


def pass_on(outputs: Sequence[torch.Tensor], leaves: Sequence[torch.Tensor]) -> None:
    """Differentiate what lies before the cut, given the gradients gathered behind it."""
    torch.autograd.backward(outputs, [leaf.grad for leaf in leaves])
