"""Which device torch computes on. A name alone is judged without torch; torch is asked when there is work to do."""

from __future__ import annotations

import re
from importlib.metadata import entry_points

from bench.errors import BenchError, first_line

KINDS = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy",
    "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip
"""Kinds of device that torch knows by itself."""
_REMEDY = "use one of this machine's devices, or auto"


def refuse_unknown_device(device: str) -> None:
    """Raise BenchError for a name that is none of torch's, on whatever machine. Imports no torch."""
    kind = device.partition(":")[0]
    # A package may add a kind of its own to torch; which, only torch itself can tell.
    known = kind in ("auto", *KINDS) or entry_points(group="torch.backends")
    if not known or not re.fullmatch(r"auto|(?!auto)\w+(:\d+)?", device):
        raise BenchError(f"--device {device}: torch knows no such device (known: cpu, cuda, cuda:1, mps); {_REMEDY}")


def check_device(device: str) -> None:
    """Raise BenchError for a device torch does not know or does not find here: before the first work."""
    refuse_unknown_device(device)
    if device in ("auto", "cpu"):
        return
    try:
        import torch

        torch.empty(0, device=device)
    # torch built without CUDA answers with an AssertionError.
    except (ImportError, RuntimeError, AssertionError) as error:
        raise BenchError(f"--device {device}: {first_line(error)}; {_REMEDY}") from None


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
