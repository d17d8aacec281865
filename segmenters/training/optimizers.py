"""Optimisers that several recipes share."""

from __future__ import annotations

import torch


def clipped_adamw(model: torch.nn.Module, lr: float, weight_decay: float, clip: float) -> torch.optim.Optimizer:
    """AdamW that cuts each element of a gradient to the magnitude `clip`; their common norm is left alone."""
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr, weight_decay=weight_decay)
    optimizer.register_step_pre_hook(lambda *_: torch.nn.utils.clip_grad_value_(parameters, clip))
    return optimizer
