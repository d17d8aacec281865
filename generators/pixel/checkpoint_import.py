"""Weights that authors published under guided diffusion's names -> a file that `sample` can use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from bench.errors import BenchError
from bench.files.tensors import refuse_unfit
from generators.denoising.weights import save_trained
from generators.pixel.published_names import from_published, places

MOST_NAMED = 20
State = Mapping[str, torch.Tensor]


def import_network(file: Path, state: State, network: nn.Module, head: int, out: Path, name: str) -> str:
    """Write the weights of `network` (on `meta`) to `out`; returns what was done.

    `state` has guided diffusion's names, `head` as in `UnetShape`. Raises BenchError that names every key which is
    missing, unexpected or of another shape.
    """
    inner = getattr(network, "unet", network)
    where, own = places(inner), inner.state_dict()
    keys = {place.key for place in where.values()}
    _refuse(file, {"missing": keys - set(state), "unexpected": set(state) - keys})
    unfit = {place.key for mine, place in where.items() if not _fits(state[place.key], own[mine], place.third >= 0)}
    _refuse(file, {"of another shape": {f"{key} {tuple(state[key].shape)}" for key in unfit}})
    refuse_unfit(file, ((key, state[key]) for key in keys), {place.key: own[mine] for mine, place in where.items()})
    inner.load_state_dict(from_published(state, where, head), assign=True)
    save_trained(out, {name: network})
    return f"{name}: {len(keys)} tensors"


def _fits(value: torch.Tensor, own: torch.Tensor, third: bool) -> bool:
    """A convolution over one dimension, of a kernel of one, is the linear layer of its two first dimensions."""
    first, *others = own.shape
    expected = (3 * first if third else first, *others)
    return value.shape[: own.ndim] == expected and tuple(value.shape[own.ndim :]) in ((), (1,))


def _refuse(file: Path, found: Mapping[str, set[str]]) -> None:
    if not any(found.values()):
        return
    counts = ", ".join(f"{len(keys)} {what}" for what, keys in found.items() if keys)
    lines = [f"  {what}: {key}" for what, keys in found.items() for key in sorted(keys)]
    more = [f"  and {len(lines) - MOST_NAMED} more"] if len(lines) > MOST_NAMED else []
    remedy = "  size, width and the like decide what is expected: give those it was made with, with --set NAME.size=…"
    raise BenchError("\n".join([f"{file}: {counts}", *lines[:MOST_NAMED], *more, remedy]))
