"""The folder that an import makes, in diffusers' format: which file holds which network, and loading it strictly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import nn

from bench.errors import BenchError, first_line
from bench.files.atomic import damaged_in
from generators.denoising.weights import load_strictly
from generators.diffusion.base_model.location import WEIGHTS
from generators.diffusion.base_model.shapes import meta_base

MOST_NAMED = 20


def check_imported(folder: Path) -> None:
    """Raise BenchError where a file is not the one that was written, or not exactly its network.

    The libraries fill what a file lacks with random numbers and go on.
    """
    wrong = damaged_in(folder)
    if wrong is not None:
        raise BenchError(f"{wrong}: not the bytes that were imported; import the checkpoint anew")
    try:
        base = meta_base(str(folder))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise BenchError(f"{folder}: {first_line(error)}; import the checkpoint anew") from None
    for name, module in (("vae", base.vae), ("unet", base.unet), ("text_encoder", base.text_encoder)):
        _check_keys(folder / name / WEIGHTS[name], module)


def load_imported(folder: Path, controlnet: nn.Module) -> None:
    """Raises BenchError where the folder's ControlNet is not exactly this one."""
    path = folder / "controlnet" / WEIGHTS["controlnet"]
    _check_keys(path, controlnet)
    load_strictly(controlnet, path, "import the checkpoint anew")


def _check_keys(path: Path, module: nn.Module) -> None:
    try:
        with safe_open(path, "pt") as weights:
            found = {key.removeprefix("text_model.") for key in weights.keys()}  # noqa: SIM118 (it is no dict)
    except (SafetensorError, OSError) as error:
        raise BenchError(f"{path}: {first_line(error)}; import the checkpoint anew") from None
    expected = {key.removeprefix("text_model.") for key in module.state_dict()}
    if found != expected:
        raise BenchError(
            f"{path}: missing or unexpected: {listed(sorted(found ^ expected))}; import the checkpoint anew, "
            "for this generator with this hint block"
        )


def listed(keys: Sequence[str]) -> str:
    """As many names as a line can bear."""
    more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    return ", ".join(keys[:MOST_NAMED]) + more
