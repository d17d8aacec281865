"""What a killed training goes on from: network, optimiser, schedules and history after its last whole epoch."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from bench.errors import BenchError


def save(path: Path, parts: dict[str, Any], numbers: dict[str, Any]) -> None:
    """`parts` have a `state_dict`, or are None; a kill leaves the old file or the new one."""
    states = {name: part.state_dict() for name, part in parts.items() if part is not None}
    part_path = path.with_suffix(".part")
    torch.save({"states": states, "numbers": numbers}, part_path)
    os.replace(part_path, path)


def resume(path: Path, parts: dict[str, Any]) -> dict[str, Any]:
    """Bring `parts` to where they were and return the numbers; empty where nothing was saved."""
    if not path.exists():
        return {}
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
    # torch tells a truncated file in several ways: a broken archive, a missing key, an early end.
    except (RuntimeError, EOFError, KeyError, OSError, ValueError, pickle.UnpicklingError):
        raise BenchError(f"{path}: truncated checkpoint; delete it to train anew") from None
    for name, state in saved["states"].items():
        parts[name].load_state_dict(state)
    return dict(saved["numbers"])
