"""Gradient checkpointing: activations are computed again in the backward pass instead of being kept."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint


def recompute_activations(modules: Iterable[nn.Module]) -> None:
    """Switch on diffusers' own checkpoints in every block that has them; the gradients stay the same."""
    # Not reentrant: a reentrant checkpoint asks for an input with a gradient, which a frozen encoder's has not.
    # No layer here draws random numbers, so their state need not be kept.
    run = partial(checkpoint, use_reentrant=False, preserve_rng_state=False)
    for module in modules:
        for block in module.modules():
            if hasattr(block, "gradient_checkpointing"):
                block.gradient_checkpointing = True
                block._gradient_checkpointing_func = run
