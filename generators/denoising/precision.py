"""In which numbers the networks compute."""

from __future__ import annotations

import torch


def arithmetic(precision: str, device: str) -> torch.autocast:
    """A context: `bf16` multiplies in bfloat16; weights, losses, gradients of weights and the optimiser stay fp32."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16")
