"""What training and prediction of a segmentation network take, counted without numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from bench.contracts import Cost
from bench.cost.meter import Work, measure
from segmenters.training.loop import Recipe

Probability = Callable[[torch.nn.Module, torch.Tensor], torch.Tensor]


def cost_of(model: torch.nn.Module, recipe: Recipe, probability: Probability, action: str, images: int) -> Cost:
    """`model` is on `meta`. Validation (a forward pass an epoch) is not counted; memory is that of fp32."""
    batch = min(recipe.batch, images)
    weights = float(sum(p.nbytes for p in model.parameters()))
    if action == "predict":
        pixels = _pixels(batch, recipe.size)
        with torch.no_grad():
            work = measure(lambda: probability(model, recipe.normalise(pixels))).times(images / batch)
        return Cost(flops=work.flops, moved=work.moved, calls=work.calls, memory=weights + work.peak)
    optimizer = recipe.make_optimizer(model)
    epochs = recipe.passes(math.ceil(images / batch) * recipe.scales.steps)
    work = _batch(model, recipe, optimizer, batch).times(epochs * images / batch)
    state = sum(part.nbytes for parts in optimizer.state.values() for part in parts.values() if part.is_meta)
    steps = f", {recipe.scales.steps} steps each" if recipe.scales.steps > 1 else ""
    note = f"{epochs} epochs of {images} images in batches of {batch}{steps}"
    return Cost(
        flops=work.flops,
        moved=work.moved,
        calls=work.calls,
        memory=weights + state + work.peak,
        precision=recipe.precision,
        note=note,
    )


def _batch(model: torch.nn.Module, recipe: Recipe, optimizer: torch.optim.Optimizer, batch: int) -> Work:
    """One batch at every size, or at each as often as it is drawn."""
    sizes = recipe.scales.sizes(recipe.size)
    work = Work()
    for size, share in zip(sizes, recipe.scales.chances or [1.0] * len(sizes), strict=True):
        work = work.then(_step(model, recipe, optimizer, batch, size).times(share))
    return work


def _step(model: torch.nn.Module, recipe: Recipe, optimizer: torch.optim.Optimizer, batch: int, size: int) -> Work:
    pixels = _pixels(batch, size)
    masks = torch.empty(batch, size, size, device="meta")
    truth = masks if recipe.scales.soft_masks else masks.long()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        recipe.loss(model, recipe.normalise(pixels), truth).backward()
        optimizer.step()

    # The first step makes the optimiser's state, which then stays.
    measure(step)
    optimizer.zero_grad(set_to_none=True)
    return measure(step)


def _pixels(batch: int, size: int) -> torch.Tensor:
    return torch.empty(batch, 3, size, size, device="meta")
