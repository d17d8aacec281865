"""How Polyp-PVT trains, which CTNet took over: each batch at three sizes, grey masks, clipped AdamW at a constant rate;
and maps that are stretched by their own extremes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.contracts import param
from segmenters.training.published import Scales
from segmenters.weights.params import PretrainedParams

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Loss, Recipe
    from segmenters.training.maps import Logits, MapHead

SCALES = Scales(rates=(0.75, 1.0, 1.25), corners=True, soft_masks=True)
"""At 352 px: 256, 352 and 448, each batch trained at all three, an optimiser step each."""


@dataclass(frozen=True, kw_only=True)
class ThreeSizesParams(PretrainedParams):
    """Defaults are the published recipe of both."""

    size: int = param(
        352, "images are resized to this square, aspect not kept, a multiple of 32", unit="px", low=64, high=2048
    )
    lr: float = param(1e-4, "learning rate of AdamW, constant", low=0.0)
    weight_decay: float = param(1e-4, "of all weights", low=0.0)
    clip: float = param(0.5, "each element of a gradient is cut to this magnitude", low=0.0)
    three_steps: bool = param(
        True, "a batch is trained at 0.75, 1 and 1.25 of `size`, an optimiser step each, as published; false: at `size`"
    )
    weighted_bce: bool = param(
        False, "weigh the cross-entropy half of the loss near borders too, as the papers say and their code does not"
    )
    stretch: bool = param(True, "stretch each map to [0, 1] by its own minimum and maximum, as published")


def three_sizes(p: Any, loss: Loss) -> Recipe:
    """The recipe of both with a network's own loss; without `three_steps` each batch is trained at `size` alone.

    `p`: `ThreeSizesParams` that have `batch` and `epochs` too.
    """
    from segmenters.training.loop import Recipe
    from segmenters.training.normalise import imagenet

    return Recipe(
        size=p.size,
        batch=p.batch,
        epochs=p.epochs,
        normalise=imagenet,
        loss=loss,
        make_optimizer=lambda model: clipped_adamw(model, p.lr, p.weight_decay, p.clip),
        make_scheduler=lambda _: None,
        scales=SCALES if p.three_steps else replace(SCALES, rates=(1.0,)),
        precision=p.precision,
    )


def stretched_maps(p: ThreeSizesParams, logits: Logits) -> MapHead:
    """Maps of a network's own logits, stretched where `stretch` says so."""
    from segmenters.training.maps import MapHead, lesion_map, stretched_lesion_map

    return MapHead(logits, stretched_lesion_map if p.stretch else lesion_map)


def clipped_adamw(model: torch.nn.Module, lr: float, weight_decay: float, clip: float) -> torch.optim.Optimizer:
    """AdamW that cuts each element of a gradient to the magnitude `clip`; their common norm is left alone."""
    import torch

    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr, weight_decay=weight_decay)
    optimizer.register_step_pre_hook(lambda *_: torch.nn.utils.clip_grad_value_(parameters, clip))
    return optimizer
