"""Which device torch computes on."""

from __future__ import annotations

from bench.errors import BenchError, first_line


def check_device(device: str) -> None:
    """Raise BenchError for a device torch does not know or does not find here."""
    if device in ("auto", "cpu"):
        return
    try:
        import torch

        torch.empty(0, device=device)
    # torch built without CUDA answers with an AssertionError.
    except (ImportError, RuntimeError, AssertionError) as error:
        raise BenchError(
            f"--device {device}: {first_line(error)}; use one of this machine's devices, or auto"
        ) from None


def resolve_device(device: str) -> str:
    """`auto` is the first accelerator torch sees, else the processor."""
    if device != "auto":
        return device
    try:
        import torch
    except ImportError:
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
