"""Trained weights on disk: one safetensors file a network, nothing that executes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from bench.errors import BenchError
from generators.diffusion.base import first_line


def save_trained(model_dir: Path, modules: Mapping[str, nn.Module]) -> None:
    """`<name>.safetensors` for each module."""
    for name, module in modules.items():
        state = {key: value.contiguous().cpu() for key, value in module.state_dict().items()}
        save_file(state, model_dir / f"{name}.safetensors")


def load_trained(model_dir: Path, modules: Mapping[str, nn.Module]) -> None:
    """Strict: a missing or unexpected key is an error."""
    for name, module in modules.items():
        path = model_dir / f"{name}.safetensors"
        try:
            module.load_state_dict(load_file(path))
            module.eval()
        except (SafetensorError, RuntimeError, OSError) as error:
            raise BenchError(f"{path}: {first_line(error)}; delete {model_dir} to train anew") from None
