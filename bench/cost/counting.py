"""What passes through torch while code runs, counted on shapes: `bench.meter` imports it, and torch, when it counts."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten


class Counting(TorchDispatchMode):
    """Counts operations (`calls`), their `flops`, the bytes they read and write (`moved`), and those alive (`peak`).

    Flops are by the formulas of torch's `FlopCounterMode`, which itself is not asked: it counts the same, takes twice
    the time, and keeps alive what gradient checkpointing lets go, so that the peak is no longer that of the code.

    A tensor that is on the processor keeps its numbers until it meets one on `meta`; a number asked of one there is 1.
    Views count nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops, self.moved, self.calls, self.peak = 0, 0, 0, 0
        self._sizes: dict[int, int] = {}
        self._alive = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every operation comes by here, those of the backward pass too."""
        kwargs = kwargs or {}
        inputs = _tensors((args, kwargs))
        if func is aten._local_scalar_dense.default and inputs[0].is_meta:
            return 1.0 if inputs[0].is_floating_point() else 1
        if any(tensor.is_meta for tensor in inputs):
            args, kwargs = tree_map_only(torch.Tensor, lambda tensor: tensor.to("meta"), (args, kwargs))
        result = func(*args, **kwargs)
        outputs = _tensors(result)
        if not func.is_view:
            self.calls += 1
            self.moved += sum(tensor.nbytes for tensor in (*inputs, *outputs))
            if formula := flop_registry.get(func._overloadpacket):
                self.flops += formula(*args, **kwargs, out_val=result)
        # A view, or what is changed in place, lives in a storage that was there before.
        old = {tensor.untyped_storage()._cdata for tensor in inputs}
        for tensor in outputs:
            if tensor.is_meta and tensor.untyped_storage()._cdata not in old:
                self._add(tensor.untyped_storage())
        return result

    def _add(self, storage: Any) -> None:
        name = storage._cdata
        if name not in self._sizes:
            self._sizes[name] = storage.nbytes()
            self._alive += storage.nbytes()
            self.peak = max(self.peak, self._alive)
            weakref.finalize(storage, self._free, name)

    def _free(self, name: int) -> None:
        self._alive -= self._sizes.pop(name, 0)


def _tensors(values: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]


@contextmanager
def attention_without_matrix() -> Iterator[None]:
    """Attention as devices run it: on `meta` torch falls back to the matrix of all pairs, whose bytes no device holds.

    Replaced by name and not by torch's function mode, which what gradient checkpointing runs again would not see.
    """
    functional = torch.nn.functional
    own = functional.scaled_dot_product_attention
    functional.scaled_dot_product_attention = _attend
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = own


def _attend(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    **_: Any,
) -> Any:
    return aten._scaled_dot_product_efficient_attention(
        query, key, value, attn_mask, True, dropout_p=dropout_p, is_causal=is_causal, scale=scale
    )[0]
