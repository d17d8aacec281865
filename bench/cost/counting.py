"""What passes through torch while code runs, counted on shapes.

`bench.cost.meter` imports this module, and torch with it, only when it counts.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves, tree_map_only, tree_unflatten
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten


@dataclass(frozen=True)
class _Shape:
    """A tensor without its numbers."""

    size: torch.Size
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, tensor: torch.Tensor) -> _Shape:
        return cls(tensor.shape, tensor.stride(), tensor.dtype, tensor.device)

    def empty(self) -> torch.Tensor:
        return torch.empty_strided(self.size, self.stride, dtype=self.dtype, device=self.device)


@dataclass(frozen=True)
class _Given:
    """An argument that an operation gives back: the one it has changed in place."""

    place: int


@dataclass(frozen=True)
class _Seen:
    """An operation that has run once: what it gives on such shapes again. `spec`: how its tensors are nested."""

    flops: int
    outputs: list[Any]
    spec: TreeSpec

    @classmethod
    def of(cls, flops: int, result: Any, arguments: list[Any]) -> _Seen | None:
        """None where a result shares memory with an argument without being it."""
        leaves, spec = tree_flatten(result)
        old = {leaf.untyped_storage()._cdata for leaf in arguments if isinstance(leaf, torch.Tensor)}
        outputs: list[Any] = []
        for leaf in leaves:
            given = [place for place, argument in enumerate(arguments) if argument is leaf]
            if not isinstance(leaf, torch.Tensor):
                outputs.append(leaf)
            elif given:
                outputs.append(_Given(given[0]))
            elif leaf.untyped_storage()._cdata in old:
                return None
            else:
                outputs.append(_Shape.of(leaf))
        return cls(flops, outputs, spec)

    def again(self, arguments: list[Any]) -> Any:
        made = [
            arguments[one.place] if isinstance(one, _Given) else one.empty() if isinstance(one, _Shape) else one
            for one in self.outputs
        ]
        return tree_unflatten(made, self.spec)


_known: dict[Any, _Seen] = {}
"""Of this process: which shape an operation gives never changes."""


class Counting(TorchDispatchMode):
    """Counts operations (`calls`), their `flops`, the bytes they read and write (`moved`), and those alive (`peak`).

    Flops are by the formulas of torch's `FlopCounterMode`, which itself is not asked: it counts the same, takes twice
    the time, and keeps alive what gradient checkpointing lets go, so that the peak is no longer that of the code.

    A tensor that is on the processor keeps its numbers until it meets one on `meta`; a number asked of one there is 1.
    Views count nothing. torch takes a millisecond to find the shape that an operation on `meta` gives, and a network
    repeats the same few: each is asked for once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops, self.moved, self.calls, self.peak = 0, 0, 0, 0
        self._sizes: dict[int, int] = {}
        self._alive = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every operation comes by here, those of the backward pass too."""
        kwargs = kwargs or {}
        leaves, _ = tree_flatten((args, kwargs))
        inputs = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        if func is aten._local_scalar_dense.default and inputs[0].is_meta:
            return 1.0 if inputs[0].is_floating_point() else 1
        if func.is_view or not any(tensor.is_meta for tensor in inputs):
            flops, result = self._run(func, args, kwargs)
        else:
            flops, result = self._run_once(func, args, kwargs, leaves)
        outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        if not func.is_view:
            self.calls += 1
            self.moved += sum(tensor.nbytes for tensor in (*inputs, *outputs))
            self.flops += flops
        # A view, or what is changed in place, lives in a storage that was there before.
        old = {tensor.untyped_storage()._cdata for tensor in inputs}
        for tensor in outputs:
            if tensor.is_meta and tensor.untyped_storage()._cdata not in old:
                self._add(tensor.untyped_storage())
        return result

    def _run_once(self, func: Any, args: Any, kwargs: Any, leaves: list[Any]) -> tuple[int, Any]:
        """As `_run`, on `meta`."""
        asked = func, *_shapes(leaves)
        seen = _known.get(asked)
        if seen is not None:
            return seen.flops, seen.again(leaves)
        args, kwargs = tree_map_only(torch.Tensor, lambda tensor: tensor.to("meta"), (args, kwargs))
        flops, result = self._run(func, args, kwargs)
        seen = _Seen.of(flops, result, leaves)
        # An argument that has another shape now would keep its old one the next time.
        if seen is not None and asked == (func, *_shapes(leaves)):
            _known[asked] = seen
        return flops, result

    @staticmethod
    def _run(func: Any, args: Any, kwargs: Any) -> tuple[int, Any]:
        result = func(*args, **kwargs)
        formula = flop_registry.get(func._overloadpacket)
        return formula(*args, **kwargs, out_val=result) if formula else 0, result

    def _add(self, storage: Any) -> None:
        name = storage._cdata
        if name not in self._sizes:
            self._sizes[name] = storage.nbytes()
            self._alive += storage.nbytes()
            self.peak = max(self.peak, self._alive)
            weakref.finalize(storage, self._free, name)

    def _free(self, name: int) -> None:
        self._alive -= self._sizes.pop(name, 0)


def _shapes(leaves: list[Any]) -> list[Any]:
    # 1 and True are equal and mean different types to an operation.
    return [_Shape.of(leaf) if isinstance(leaf, torch.Tensor) else (type(leaf), leaf) for leaf in leaves]


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
