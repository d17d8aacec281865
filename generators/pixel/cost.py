"""What training and sampling on pixels take, counted on the network's shape without its weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from bench.contracts import Cost
from bench.cost.meter import Work, measure
from generators.denoising.recompute import recompute_activations
from generators.pixel.method import PixelMethod
from generators.pixel.params import PixelParams

MOMENTS = 2
"""Of AdamW, each as large as the weights."""


def fit_cost(build: Callable[[], PixelMethod], p: PixelParams, devices: int, *, averaged: bool) -> Cost:
    """Memory: weights, AdamW's moments, the average where there is one, and all that is alive at a step's peak."""
    method, micro = _on_meta(build, p), p.batch // (devices * p.accumulation)
    weights = _bytes(method.network)
    work = measure(lambda: _backward(method, p, micro)).times(p.accumulation * p.steps)
    less = "" if p.gradient_checkpointing and micro == 1 else "; less memory: accumulation, gradient_checkpointing"
    parts = f"{devices} device{'s' if devices > 1 else ''} × {micro} images × accumulation {p.accumulation}"
    return _cost(work, p, weights * (1 + MOMENTS + averaged), f"{parts}, {p.steps} steps{less}")


@torch.no_grad()
def sample_cost(build: Callable[[], PixelMethod], p: PixelParams, steps: int, images: int) -> Cost:
    """Sampling of so many images on one device."""
    method, batch = _on_meta(build, p), min(p.sample_batch, images)
    masks, x, t = _empty(p, batch, 1), _empty(p, batch, 3), torch.zeros(batch, dtype=torch.long)
    prepared = method.prepare_walk(masks)

    def step() -> None:
        method.predict(method.network, x, t, prepared)

    # What the first step makes of the masks, and keeps, the others take.
    work = measure(step).then(measure(step).times(steps - 1))
    return _cost(work.times(images / batch), p, _bytes(method.network), f"{batch} images at once, {steps} steps")


def _on_meta(build: Callable[[], PixelMethod], p: PixelParams) -> PixelMethod:
    with torch.device("meta"):
        method = build()
    nn.Module.to(method.network, _dtype(p))
    if p.gradient_checkpointing:
        recompute_activations([method.network])
    return method


def _backward(method: PixelMethod, p: PixelParams, images: int) -> None:
    masks, x, t = _empty(p, images, 1), _empty(p, images, 3), torch.zeros(images, dtype=torch.long)
    method.loss(method.predict(method.network, x, t, method.prepare(masks)), x, masks).backward()


def _empty(p: PixelParams, images: int, channels: int) -> torch.Tensor:
    return torch.empty(images, channels, p.size, p.size, device="meta", dtype=_dtype(p))


def _dtype(p: PixelParams) -> torch.dtype:
    return torch.bfloat16 if p.precision == "bf16" else torch.float32


def _bytes(network: nn.Module) -> float:
    """Weights stay in single precision whatever the arithmetic's."""
    return 4.0 * sum(parameter.numel() for parameter in network.parameters())


def _cost(work: Work, p: PixelParams, held: float, note: str) -> Cost:
    return Cost(
        flops=work.flops,
        moved=work.moved,
        calls=work.calls,
        memory=held + work.peak,
        precision=p.precision,
        note=note,
    )
