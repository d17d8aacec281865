"""Weights from files, of which nothing is executed: released checkpoints and pretrained backbones."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from bench.errors import BenchError, first_line
from bench.files.tensors import refuse_unfit

CLASSIFIER = ("fc.", "_fc.", "head.", "classifier.", "last_linear.", "linear.")
"""Entries of a backbone's file that no segmenter has a place for: ImageNet's 1000 classes."""
WRAPPERS = ("state_dict", "model")
COUNTER = "num_batches_tracked"
"""Ends the names of counters that no network here reads; files from before torch 0.4.1 lack them."""
MOST_NAMED = 4

State = Mapping[str, torch.Tensor]


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Tensors by name, of safetensors or torch.save. BenchError for any other content and for a damaged file.

    A checkpoint that holds more than weights is opened at its `state_dict` or `model`; `module.`, which training on
    several devices puts before each name, is dropped.
    """
    if not path.is_file():
        raise BenchError(f"{path}: no such file; name the file of weights")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    # Either library tells a damaged file in several ways: a broken archive, a missing key, an early end.
    except (SafetensorError, RuntimeError, EOFError, KeyError, OSError, ValueError, AttributeError, TypeError) as error:
        raise BenchError(f"{path}: truncated or damaged ({first_line(error)}); fetch it again") from None
    for name in WRAPPERS:
        state = state[name] if isinstance(state, Mapping) and isinstance(state.get(name), Mapping) else state
    tensors = isinstance(state, Mapping) and all(isinstance(value, torch.Tensor) for value in state.values())
    if not tensors or not state:
        raise BenchError(f"{path}: holds no tensors by name; name a file of weights alone (a state_dict)")
    return {name.removeprefix("module."): value for name, value in state.items()}


def _unpickled(path: Path) -> Any:
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError:
        raise BenchError(
            f"{path}: damaged, or more than tensors and then not safe to open; fetch it again, or save its state_dict "
            "as .safetensors where you trust it"
        ) from None


def load_network(network: nn.Module, path: Path, renamed: Callable[[State], State]) -> None:
    """Fill the whole network; `renamed` gives the file's entries our names."""
    _fill(network, renamed(read_state(path)), path, "give a checkpoint of this very network")


def load_backbone(backbone: nn.Module, path: Path, renamed: Callable[[State], State]) -> None:
    """Fill the backbone from a file of ImageNet weights, whose classifier is left out."""
    state = {name: value for name, value in read_state(path).items() if not name.startswith(CLASSIFIER)}
    _fill(backbone, renamed(state), path, "give the weights of this very backbone")


def _fill(module: nn.Module, state: State, path: Path, remedy: str) -> None:
    own = module.state_dict()
    state = {**{name: value for name, value in own.items() if name.endswith(COUNTER)}, **state}
    found = {
        "missing": [name for name in own if name not in state],
        "unexpected": sorted(set(state) - set(own)),
        "of another shape": [name for name in own if name in state and state[name].shape != own[name].shape],
    }
    lines = [f"{len(names)} {what}: {_listed(names)}" for what, names in found.items() if names]
    if lines:
        raise BenchError(f"{path}: {'; '.join(lines)}; {remedy}")
    refuse_unfit(path, state.items(), own)
    # Mixed precision may have stored half floats.
    module.load_state_dict({name: state[name].to(value.dtype) for name, value in own.items()})


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
