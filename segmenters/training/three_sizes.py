"""How Polyp-PVT trains, which CTNet took over: each batch at three sizes, clipped AdamW at a constant rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from segmenters.training.loop import Loss, Recipe
from segmenters.training.normalise import imagenet
from segmenters.training.published import Scales

SCALES = Scales(rates=(0.75, 1.0, 1.25), corners=True, soft_masks=True)
"""At 352 px: 256, 352 and 448, each batch trained at all three, an optimiser step each."""


def three_sizes(p: Any, loss: Loss) -> Recipe:
    """`p`: the plugin's parameters; without `three_steps` each batch is trained at `size` alone."""
    return Recipe(
        size=p.size, batch=p.batch, epochs=p.epochs, normalise=imagenet, loss=loss,
        make_optimizer=lambda model: clipped_adamw(model, p.lr, p.weight_decay, p.clip), make_scheduler=lambda _: None,
        scales=SCALES if p.three_steps else replace(SCALES, rates=(1.0,)), precision=p.precision,
    )  # fmt: skip


def clipped_adamw(model: torch.nn.Module, lr: float, weight_decay: float, clip: float) -> torch.optim.Optimizer:
    """AdamW that cuts each element of a gradient to the magnitude `clip`; their common norm is left alone."""
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr, weight_decay=weight_decay)
    optimizer.register_step_pre_hook(lambda *_: torch.nn.utils.clip_grad_value_(parameters, clip))
    return optimizer
