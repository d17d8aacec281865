"""Reads a checkpoint file's tensors without executing anything that lies in it."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from bench.errors import BenchError, first_line

PICKLED = (".pth", ".pt", ".ckpt", ".bin")
BESIDE_WEIGHTS = ("pytorch_lightning.", "lightning.", "lightning_fabric.", "omegaconf.")
"""Trainers put objects of these packages beside the weights; an inert stand-in takes the place of each."""


class StandIn:
    """Takes whatever a pickled object is made from and keeps nothing."""

    def __new__(cls, *_: object) -> StandIn:
        return super().__new__(cls)

    def __setstate__(self, _: object) -> None:
        pass


def read_checkpoint(file: Path, under: str = "state_dict") -> dict[str, torch.Tensor]:
    """Tensors by key, mapped from the disk where the format allows; those `under` that name where there is one (of
    Lightning's files the weights, beside the state of its training). Raises BenchError for anything but tensors."""
    if not file.is_file():
        raise BenchError(f"{file}: {'is a folder' if file.is_dir() else 'no such file'}; name the checkpoint file")
    if file.suffix == ".safetensors":
        return _read_safetensors(file)
    if file.suffix not in PICKLED:
        raise BenchError(f"{file}: unknown kind of file; a checkpoint ends in .safetensors, {', '.join(PICKLED)}")
    content = _read_pickled(file)
    state = content.get(under, content) if isinstance(content, Mapping) else content
    if not isinstance(state, Mapping) or not state:
        raise BenchError(f"{file}: holds no weights by name; name the authors' checkpoint file")
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            raise BenchError(f"{file}: {key} is not a tensor ({type(value).__name__}); name a file of weights")
    return dict(state)


def _read_safetensors(file: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise BenchError(f"{file}: truncated or damaged ({first_line(error)}); fetch it again") from None


def _read_pickled(file: Path) -> Any:
    try:
        zipped = zipfile.is_zipfile(file)
        known = torch.serialization.get_unsafe_globals_in_checkpoint(file) if zipped else []
        beside: Any = [(StandIn, name) for name in known if name.startswith(BESIDE_WEIGHTS)]
        with torch.serialization.safe_globals(beside):
            return torch.load(file, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        foreign = _foreign(error)
        if foreign:
            raise BenchError(
                f"{file}: would execute code ({foreign}), and nothing of it was; save its tensors as .safetensors "
                "where you trust it"
            ) from None
        raise BenchError(f"{file}: truncated, damaged or no checkpoint; fetch it again") from None
    # torch tells a truncated file in several ways: a broken archive, a broken pickle, an early end.
    except (RuntimeError, EOFError, KeyError, OSError, ValueError, AttributeError, IndexError, TypeError) as error:
        raise BenchError(f"{file}: truncated or damaged ({first_line(error)}); fetch it again") from None


def _foreign(error: Exception) -> str:
    """What torch refused to call; empty when it stumbled over damaged bytes. torch has no error of its own for it."""
    text = str(error)
    for mark in ("Unsupported global: GLOBAL ", "unsupported GLOBAL "):
        if mark in text:
            return text.split(mark, 1)[1].split()[0]
    return "a call" if "reduce for unrecognized function" in text else ""
