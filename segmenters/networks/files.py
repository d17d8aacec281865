"""Weights from files, of which nothing is executed: the authors' released checkpoints and pretrained backbones."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from bench.errors import BenchError

CLASSIFIER = ("fc.", "head.")
"""Entries of a backbone's file that no segmenter has a place for: ImageNet's 1000 classes."""
MOST_NAMED = 4

State = Mapping[str, torch.Tensor]


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Tensors by name, of safetensors or torch.save. BenchError for any other content and for a damaged file."""
    if not path.is_file():
        raise BenchError(f"{path}: no such file; name the file of weights")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    # Either library tells a damaged file in several ways: a broken archive, a missing key, an early end.
    except (SafetensorError, RuntimeError, EOFError, KeyError, OSError, ValueError, AttributeError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise BenchError(f"{path}: truncated or damaged ({reason}); fetch it again") from None
    tensors = isinstance(state, Mapping) and all(isinstance(value, torch.Tensor) for value in state.values())
    if not tensors or not state:
        raise BenchError(f"{path}: holds no tensors by name; name a file of weights alone (a state_dict)")
    return dict(state)


def _unpickled(path: Path) -> Any:
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError:
        raise BenchError(
            f"{path}: damaged, or more than tensors and then not safe to open; fetch it again, or save its state_dict "
            "as .safetensors where you trust it"
        ) from None


def load_released(network: nn.Module, path: Path, released_name: Callable[[str], str]) -> None:
    """Fill the whole network from the authors' checkpoint, in which an entry of ours is called `released_name`."""
    _fill(network, read_state(path), path, released_name, "give the checkpoint its authors released for this network")


def load_backbone(backbone: nn.Module, path: Path) -> None:
    """Fill the backbone from timm's file of ImageNet weights; its classifier is left out."""
    state = {name: value for name, value in read_state(path).items() if not name.startswith(CLASSIFIER)}
    _fill(backbone, state, path, str, "give timm's file for this backbone")


def _fill(module: nn.Module, state: State, path: Path, name_of: Callable[[str], str], remedy: str) -> None:
    own = module.state_dict()
    found = {
        "missing": [name_of(name) for name in own if name_of(name) not in state],
        "unexpected": sorted(set(state) - {name_of(name) for name in own}),
        "of another shape": [
            name_of(name) for name, value in own.items() if _shape(state.get(name_of(name))) not in (None, value.shape)
        ],
    }
    lines = [f"{len(names)} {what}: {_listed(names)}" for what, names in found.items() if names]
    if lines:
        raise BenchError(f"{path}: {'; '.join(lines)}; {remedy}")
    # Mixed precision may have stored half floats.
    module.load_state_dict({name: state[name_of(name)].to(value.dtype) for name, value in own.items()})


def _shape(value: torch.Tensor | None) -> torch.Size | None:
    return None if value is None else value.shape


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
