"""Weight files that others have published: where they are looked for, how they are fetched and read."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    import torch

CLASSIFIER = ("head.", "fc.", "classifier.")
"""Beginnings of the keys that a backbone's ImageNet file has and a segmentation network has no use for."""


_MIT = "https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/mit_{}_20220624-{}.pth"
MIT: Mapping[str, str] = {
    variant: _MIT.format(variant, digits)
    for variant, digits in {
        "b0": "7e0fe6dd", "b1": "02e5a6a1", "b2": "66e8bf70", "b3": "13b1141c", "b4": "d588d980", "b5": "658746d9"
    }.items()
}  # fmt: skip
"""Where mmsegmentation publishes the ImageNet weights of the Mix Transformers, as in its configurations."""


def weight_file(given: str, address: str) -> Path:
    """The path that was given, or the place where torch.hub keeps the file of that address."""
    if given:
        return Path(given).expanduser()
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = os.getenv("TORCH_HOME", os.path.join(cache, "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints" / address.rpartition("/")[2]


def lacking(name: str, given: str, address: str) -> tuple[str, ...]:
    """The line for `missing()` of the plugin `name`; empty when the backbone's file is there."""
    path = weight_file(given, address)
    if path.is_file():
        return ()
    remedy = f"name the file with --set {name}.backbone=FILE or train from scratch with --set {name}.pretrained=false"
    if given:
        return (f"segmenter {name}: {path}: no such file; {remedy}",)
    if address.startswith("http"):
        remedy = f"put {address} there, let --download fetch it, {remedy}"
    return (f"segmenter {name}: {path}: no such file; {remedy}",)


def fetched(path: Path, address: str, download: bool) -> Path:
    """`path`, fetched first where that is allowed and it is not there. BenchError where it stays absent."""
    from torch.hub import download_url_to_file

    if not path.is_file() and download and address.startswith("http"):
        # Published names end in the first digits of the file's sha256.
        digits = re.search(r"-([0-9a-f]{8,})\.", path.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            download_url_to_file(address, str(path), hash_prefix=digits[1] if digits else None)
        except (OSError, RuntimeError) as error:
            raise BenchError(f"--download: {address}: {error}; fetch it elsewhere and put it at {path}") from None
    if not path.is_file():
        raise BenchError(f"{path}: no such file; put the weights there")
    return path


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Tensors of a safetensors file or a torch checkpoint, loaded without executing anything in it."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise BenchError(f"{path}: no such file; give the path of the weights")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    # torch tells a file that is none of its own in several ways.
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, KeyError, OSError, ValueError) as error:
        raise BenchError(f"{path}: no weights that can be read safely ({_first_line(error)}); fetch it again") from None
    for name in ("state_dict", "model"):
        state = state.get(name, state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise BenchError(f"{path}: not a mapping of names to tensors; give a checkpoint that holds weights only")
    return {name.removeprefix("module."): value for name, value in state.items()}


def load_strictly(module: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Every key and shape, none left over. BenchError names the first that does not fit."""
    wanted = module.state_dict()
    absent = [name for name in wanted if name not in state]
    unknown = [name for name in state if name not in wanted]
    both = [name for name in wanted if name in state and state[name].shape != wanted[name].shape]
    for names, what in ((absent, "lacks"), (unknown, "has, and the network has not,"), (both, "has another shape of")):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise BenchError(f"{path}: {what} {names[0]}{more}; give the weights of this very network")
    module.load_state_dict(dict(state))


def load_backbone(module: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """As `load_strictly`, but for the classifier that an ImageNet file has on top."""
    load_strictly(module, {name: value for name, value in state.items() if not name.startswith(CLASSIFIER)}, path)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
