"""What passes through torch while code runs, counted on shapes.

`bench.cost.meter` imports this module, and torch with it, only when it counts.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
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
    """An operation that has run once: what it gives on such shapes again, nested as its result was."""

    flops: int
    result: Any

    @classmethod
    def of(cls, flops: int, result: Any, arguments: list[Any]) -> _Seen | None:
        """None where a result shares memory with an argument without being it."""
        places = {id(argument): place for place, argument in reversed(list(enumerate(arguments)))}
        old = {leaf.untyped_storage()._cdata for leaf in arguments if isinstance(leaf, torch.Tensor)}
        new = [leaf for leaf in _leaves(result) if isinstance(leaf, torch.Tensor) and id(leaf) not in places]
        if any(leaf.untyped_storage()._cdata in old for leaf in new):
            return None

        def kept(leaf: Any) -> Any:
            if not isinstance(leaf, torch.Tensor):
                return leaf
            return _Given(places[id(leaf)]) if id(leaf) in places else _Shape.of(leaf)

        return cls(flops, _mapped(kept, result))

    def again(self, arguments: list[Any]) -> Any:
        def made(leaf: Any) -> Any:
            if isinstance(leaf, _Shape):
                return leaf.empty()
            return arguments[leaf.place] if isinstance(leaf, _Given) else leaf

        return _mapped(made, self.result)


def _leaves(tree: Any) -> list[Any]:
    """What lists, tuples and dicts hold, in its order. torch's own pytree takes several times as long."""
    if isinstance(tree, dict):
        return _leaves(list(tree.values()))
    if not isinstance(tree, (list, tuple)):
        return [tree]
    found = []
    for one in tree:
        if isinstance(one, (list, tuple, dict)):
            found += _leaves(one)
        else:
            found.append(one)
    return found


def _mapped(change: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with every leaf changed."""
    if isinstance(tree, dict):
        return {name: _mapped(change, one) for name, one in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)([_mapped(change, one) for one in tree])
    return change(tree)


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
        self._sizes: dict[int, tuple[int, object]] = {}
        self._alive = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every operation comes by here, those of the backward pass too."""
        kwargs = kwargs or {}
        leaves = _leaves([args, kwargs])
        inputs = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        if func is aten._local_scalar_dense.default and inputs[0].is_meta:
            return 1.0 if inputs[0].is_floating_point() else 1
        if func.is_view or not any(tensor.is_meta for tensor in inputs):
            flops, result = self._run(func, args, kwargs)
        else:
            flops, result = self._run_once(func, args, kwargs, leaves)
        outputs = [leaf for leaf in _leaves(result) if isinstance(leaf, torch.Tensor)]
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
        flops, result = self._run(func, *_mapped(_to_meta, (args, kwargs)))
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
            self._sizes[name] = storage.nbytes(), weakref.ref(storage, partial(self._free, name))
            self._alive += storage.nbytes()
            self.peak = max(self.peak, self._alive)

    def _free(self, name: int, _: object) -> None:
        size, _ = self._sizes.pop(name)
        self._alive -= size


def _to_meta(leaf: Any) -> Any:
    return leaf.to("meta") if isinstance(leaf, torch.Tensor) else leaf


def _shapes(leaves: list[Any]) -> list[Any]:
    # 1 and True are equal and mean different types to an operation.
    return [
        (leaf.shape, leaf.stride(), leaf.dtype, leaf.device) if isinstance(leaf, torch.Tensor) else (type(leaf), leaf)
        for leaf in leaves
    ]


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
