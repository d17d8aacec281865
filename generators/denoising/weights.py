"""Trained weights on disk: one safetensors file a network, nothing that executes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from bench.errors import BenchError, first_line
from bench.files.tensors import refuse_unfit


def save_trained(model_dir: Path, modules: Mapping[str, nn.Module]) -> None:
    """`<name>.safetensors` for each module."""
    for name, module in modules.items():
        state = {key: value.contiguous().cpu() for key, value in module.state_dict().items()}
        save_file(state, model_dir / f"{name}.safetensors")


def load_trained(model_dir: Path, modules: Mapping[str, nn.Module]) -> None:
    """Strict: a missing or unexpected key is an error, and so is a number that is not finite."""
    remedy = f"delete {model_dir} to train anew"
    for name, module in modules.items():
        load_strictly(module, model_dir / f"{name}.safetensors", remedy)


def load_strictly(module: nn.Module, path: Path, remedy: str) -> None:
    """Fill a network, in evaluation mode from then on. BenchError for a file that does not fit, with the remedy."""
    try:
        state = load_file(path)
        refuse_unfit(path, state.items(), module.state_dict(), remedy)
        module.load_state_dict(state)
        module.eval()
    except (SafetensorError, RuntimeError, OSError) as error:
        raise BenchError(f"{path}: {first_line(error)}; {remedy}") from None
