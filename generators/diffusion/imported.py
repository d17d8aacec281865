"""The folder that an import makes, in diffusers' format: which file holds which network, and loading it strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from bench.errors import BenchError
from generators.diffusion.base import Base, first_line

DIFFUSERS_WEIGHTS = "diffusion_pytorch_model.safetensors"
WEIGHTS = {
    "vae": DIFFUSERS_WEIGHTS,
    "unet": DIFFUSERS_WEIGHTS,
    "text_encoder": "model.safetensors",
    "controlnet": DIFFUSERS_WEIGHTS,
}
MOST_NAMED = 20


def load_imported(folder: Path, base: Base, controlnet: nn.Module) -> None:
    """Load the ControlNet; raises BenchError where it, or what `base` was loaded from, is not exactly its network."""
    modules = {"vae": base.vae, "unet": base.unet, "text_encoder": base.text_encoder, "controlnet": controlnet}
    _refuse_loose(folder, modules)
    path = folder / "controlnet" / WEIGHTS["controlnet"]
    try:
        controlnet.load_state_dict(load_file(path))
        controlnet.eval()
    except (SafetensorError, OSError, RuntimeError) as error:
        raise BenchError(f"{path}: {first_line(error)}; import the checkpoint anew") from None


def _refuse_loose(folder: Path, modules: Mapping[str, Any]) -> None:
    """The libraries fill what a file lacks with random numbers."""
    for name, module in modules.items():
        path = folder / name / WEIGHTS[name]
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
