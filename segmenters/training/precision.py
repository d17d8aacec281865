"""In which numbers the networks compute."""

from __future__ import annotations

from typing import Any

import torch


def arithmetic(precision: str, device: str) -> torch.autocast:
    """A context: on an accelerator `bf16` multiplies in bfloat16; weights, optimiser and sums over pixels stay fp32.

    A processor computes in fp32 always.
    """
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=precision == "bf16" and kind != "cpu")


def in_fp32(outputs: Any) -> Any:
    """A network's output, tensors and tuples of them, as the losses want it: they sum over many pixels."""
    if isinstance(outputs, torch.Tensor):
        return outputs.float()
    return type(outputs)(in_fp32(part) for part in outputs) if isinstance(outputs, (tuple, list)) else outputs
