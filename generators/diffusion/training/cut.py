"""Where gradients end: a graph cut in two, whose later half is differentiated and freed early; a frozen network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn


def cut(tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The same values, where a new graph begins."""
    return tuple(tensor.detach().requires_grad_() for tensor in tensors)


def pass_on(outputs: Sequence[torch.Tensor], leaves: Sequence[torch.Tensor]) -> None:
    """Differentiate what lies before the cut, given the gradients gathered behind it."""
    torch.autograd.backward(outputs, [leaf.grad for leaf in leaves])


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Within, the module's parameters get no gradient; what passes through it does. All require one outside."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
