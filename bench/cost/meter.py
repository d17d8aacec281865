"""Counts what a piece of torch code would take, on shapes alone: for plugins that say their cost in advance.

The code runs on torch's `meta` device, where tensors have shapes and no numbers, so a network of a billion parameters
is counted within seconds and without memory. Imports torch when it is called, not before.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch


@dataclass
class Work:
    """`flops`: of convolutions, matrix products and attention; multiply and add are two. `moved`: bytes that operations
    read and write. `calls`: operations started. `peak`: largest bytes alive beyond what was there before.
    """

    flops: float = 0.0
    moved: float = 0.0
    calls: float = 0.0
    peak: float = 0.0

    def times(self, number: float) -> Work:
        return Work(self.flops * number, self.moved * number, self.calls * number, self.peak)

    def then(self, other: Work) -> Work:
        """One after the other: the larger peak counts."""
        return Work(
            self.flops + other.flops, self.moved + other.moved, self.calls + other.calls, max(self.peak, other.peak)
        )


def measure(code: Callable[[], object]) -> Work:
    """Run `code`, whose tensors are on `meta`, and count. A tensor that is on the processor keeps its numbers until it
    meets one without; a number asked of one without is 1.
    """
    work, alive = Work(), _Alive()
    import torch

    counting, attend = _tools()
    # Replaced by name and not by torch's function mode, which what gradient checkpointing runs again would not see.
    with patch.object(torch.nn.functional, "scaled_dot_product_attention", attend), counting(work, alive):
        code()
    work.peak = float(alive.peak)
    return work


@dataclass
class _Alive:
    """Bytes of the storages that were made and not yet freed."""

    sizes: dict[int, int] = field(default_factory=dict)
    now: int = 0
    peak: int = 0

    def add(self, storage: Any) -> None:
        name = storage._cdata
        if name not in self.sizes:
            self.sizes[name] = storage.nbytes()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._free, name)

    def _free(self, name: int) -> None:
        self.now -= self.sizes.pop(name, 0)


@functools.cache
def _tools() -> tuple[Any, Any]:
    """A class that counts, and attention as devices run it: `meta` would fall back to the matrix of all pairs."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves, tree_map_only
    from torch.utils.flop_counter import flop_registry

    aten = torch.ops.aten

    class Counting(TorchDispatchMode):
        def __init__(self, work: Work, alive: _Alive) -> None:
            super().__init__()
            self.work, self.alive = work, alive

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
            if func is aten._local_scalar_dense.default and inputs[0].is_meta:
                return 1.0 if inputs[0].is_floating_point() else 1
            if any(tensor.is_meta for tensor in inputs):
                args, kwargs = tree_map_only(torch.Tensor, lambda tensor: tensor.to("meta"), (args, kwargs))
            result = func(*args, **kwargs)
            outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
            if not func.is_view:
                self._count(func, args, kwargs, result, (*inputs, *outputs))
            # A view, or what is changed in place, lives in a storage that was there before.
            old = {tensor.untyped_storage()._cdata for tensor in inputs}
            for tensor in outputs:
                if tensor.is_meta and tensor.untyped_storage()._cdata not in old:
                    self.alive.add(tensor.untyped_storage())
            return result

        def _count(self, func: Any, args: Any, kwargs: Any, result: Any, tensors: Any) -> None:
            self.work.calls += 1
            self.work.moved += sum(tensor.nbytes for tensor in tensors)
            formula = flop_registry.get(func._overloadpacket)
            if formula is not None:
                self.work.flops += formula(*args, **kwargs, out_val=result)

    def attend(q: Any, k: Any, v: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
               scale: float | None = None, **_: Any) -> Any:  # fmt: skip
        return aten._scaled_dot_product_efficient_attention(
            q, k, v, attn_mask, True, dropout_p, is_causal, scale=scale
        )[0]

    return Counting, attend
