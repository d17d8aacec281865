"""What training and prediction of a segmentation network take, counted without numbers."""

from __future__ import annotations

from collections.abc import Callable

import torch

from bench.contracts import Cost
from bench.meter import measure
from segmenters.training.loop import Recipe

Probability = Callable[[torch.nn.Module, torch.Tensor], torch.Tensor]


def cost_of(model: torch.nn.Module, recipe: Recipe, probability: Probability, action: str, images: int) -> Cost:
    """`model` is on `meta`. Validation (a forward pass an epoch) is not counted."""
    batch = min(recipe.batch, images)
    pixels = torch.empty(batch, 3, recipe.size, recipe.size, device="meta")
    weights = float(sum(p.nbytes for p in model.parameters()))
    if action == "predict":
        with torch.no_grad():
            work = measure(lambda: probability(model, recipe.normalise(pixels))).times(images / batch)
        return Cost(work.flops, work.moved, work.calls, weights + work.peak)
    masks = torch.empty(batch, recipe.size, recipe.size, device="meta", dtype=torch.long)
    optimizer = recipe.make_optimizer(model)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        recipe.loss(model, recipe.normalise(pixels), masks).backward()
        optimizer.step()

    # The first step makes the optimiser's state, which then stays.
    step()
    optimizer.zero_grad(set_to_none=True)
    work = measure(step).times(recipe.epochs * images / batch)
    state = sum(part.nbytes for parts in optimizer.state.values() for part in parts.values() if part.is_meta)
    note = f"{recipe.epochs} epochs of {images} images in batches of {batch}"
    return Cost(work.flops, work.moved, work.calls, weights + state + work.peak, note=note)
