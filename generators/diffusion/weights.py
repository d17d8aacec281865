"""Trained weights on disk: ControlNet and decoder, safetensors, nothing that executes."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from bench.errors import BenchError
from generators.diffusion.base import first_line

CONTROLNET = "controlnet.safetensors"
DECODER = "decoder.safetensors"


def save_trained(model_dir: Path, controlnet: nn.Module, decoder: nn.Module) -> None:
    for name, module in ((CONTROLNET, controlnet), (DECODER, decoder)):
        save_file({key: value.contiguous().cpu() for key, value in module.state_dict().items()}, model_dir / name)


def load_trained(model_dir: Path, controlnet: nn.Module, decoder: nn.Module) -> None:
    """Strict: a missing or unexpected key is an error."""
    for name, module in ((CONTROLNET, controlnet), (DECODER, decoder)):
        try:
            module.load_state_dict(load_file(model_dir / name))
            module.eval()
        except (SafetensorError, RuntimeError, OSError) as error:
            raise BenchError(f"{model_dir / name}: {first_line(error)}; delete {model_dir} to train anew") from None
