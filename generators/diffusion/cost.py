"""What training and sampling of a diffusion generator take, counted on the base model's shape without its weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from bench.contracts import Cost
from bench.cost.meter import Work, measure
from generators.diffusion.base import Base
from generators.diffusion.batches import TIMESTEPS, Batch
from generators.diffusion.hollow import hollow_base
from generators.diffusion.latents import CHUNK
from generators.diffusion.method import Method
from generators.diffusion.recompute import recompute_activations

if TYPE_CHECKING:
    from generators.diffusion.generator import DiffusionGenerator

STAGES = 3
"""Points of the training at which a step is counted, each in the middle of a third: methods change with the step."""


@dataclass(frozen=True)
class Hollow:
    """Base model and method on `meta`, and the number types of a run."""

    base: Base
    method: Method
    size: int
    dtype: torch.dtype

    @property
    def weights(self) -> float:
        """Bytes; weights stay in single precision whatever the arithmetic's."""
        models = (self.base.vae, self.base.unet, self.base.text_encoder, *self.method.trained.values())
        return 4.0 * _count(p for model in models for p in model.parameters())

    @property
    def trained(self) -> list[nn.Parameter]:
        return [p for module in self.method.trained.values() for p in module.parameters() if p.requires_grad]

    def empty(self, *shape: int) -> torch.Tensor:
        return torch.empty(shape, device="meta", dtype=self.dtype)

    def latents(self, images: int) -> torch.Tensor:
        side = self.size // 2 ** (len(self.base.vae.config.block_out_channels) - 1)
        return self.empty(images, self.base.unet.config.in_channels, side, side)

    def context(self, images: int) -> torch.Tensor:
        text = self.base.text_encoder.config
        return self.empty(images, text.max_position_embeddings, self.base.unet.config.cross_attention_dim)

    def hint(self, images: int) -> torch.Tensor:
        return self.empty(images, 3, self.size, self.size)

    def times(self, images: int) -> torch.Tensor:
        """Evenly spread and with their numbers: a method may treat early and late t differently."""
        return ((torch.arange(images) + 0.5) * TIMESTEPS / images).long()


def cost_of(generator: DiffusionGenerator, action: str, images: int, devices: int) -> Cost:
    """Memory: weights, gradients, AdamW's moments, and all that is alive at the peak of a step (a bf16 run keeps norms
    in fp32, which is not counted). Training files lie on disk.
    """
    p = generator.params
    base, _ = hollow_base(generator.base())
    generator.check_params(devices)
    dtype = torch.bfloat16 if p.precision == "bf16" else torch.float32
    base.scheduler.alphas_cumprod = base.scheduler.alphas_cumprod.to(dtype)
    with torch.device("meta"):
        method = generator.method(base, 0)
    for module in (base.vae, base.unet, *method.trained.values()):
        # diffusers' own `to` warns of what matters to numbers, and here are none.
        nn.Module.to(module, dtype)
    if p.gradient_checkpointing:
        recompute_activations([base.unet, *method.trained.values()])
    hollow = Hollow(base, method, p.size, dtype)
    return _fit(hollow, p, images, devices) if action == "fit" else _sample(hollow, p, math.ceil(images / devices))


def _fit(hollow: Hollow, p: Any, images: int, devices: int) -> Cost:
    micro = p.batch // (devices * p.accumulation)
    encode = measure(lambda: hollow.base.vae.encode(hollow.hint(CHUNK)))
    update, state = _update(hollow, p)
    gradients = 4.0 * _count(hollow.trained)
    backward = _backward(hollow, p, micro)
    step = backward.times(p.accumulation).then(update)
    work = encode.times(images / CHUNK).then(step.times(p.steps))
    # What bf16 gradients lack to the single precision in which they are kept, and autocast's copies of the weights.
    held = hollow.weights + state + (gradients if p.accumulation > 1 else 0)
    lack = gradients if p.precision == "bf16" else 0.0
    parts = f"{devices} device{'s' if devices > 1 else ''} × {micro} images × accumulation {p.accumulation}"
    less = "" if p.gradient_checkpointing and micro == 1 else "; less memory: accumulation, gradient_checkpointing"
    note, memory = f"{parts}, {p.steps} steps{less}", held + lack + work.peak
    return Cost(work.flops, work.moved, work.calls, memory, p.precision, note)


def _backward(hollow: Hollow, p: Any, micro: int) -> Work:
    """A micro-batch's work, averaged over the training; the peak is its largest."""
    batch = Batch(
        hollow.latents(micro), hollow.latents(micro), hollow.times(micro), hollow.context(micro), hollow.hint(micro),
        hollow.hint(micro),
    )  # fmt: skip
    works = []
    for number in range(STAGES):
        for parameter in hollow.trained:
            parameter.grad = torch.empty_like(parameter) if p.accumulation > 1 else None
        step = int((number + 0.5) * p.steps / STAGES)
        works.append(measure(lambda: hollow.method.backward(batch, step, 1.0)))  # noqa: B023 (called at once)
    return reduce(Work.then, works).times(1 / STAGES)


def _update(hollow: Hollow, p: Any) -> tuple[Work, float]:
    """AdamW's work a step, and the bytes of its state."""
    twins = [torch.empty_like(parameter, dtype=torch.float32).requires_grad_() for parameter in hollow.trained]
    for twin in twins:
        twin.grad = torch.empty_like(twin)
    optimizer = torch.optim.AdamW(twins, p.lr, weight_decay=p.weight_decay)
    optimizer.step()
    return measure(optimizer.step), 8.0 * _count(twins)


@torch.no_grad()
def _sample(hollow: Hollow, p: Any, images: int) -> Cost:
    batch = min(p.sample_batch, images)
    method, twice = hollow.method, 2 * batch
    prepared: list[Any] = []

    def prepare() -> None:
        prepared.append(method.twice(method.prepare(hollow.hint(batch), hollow.hint(batch))))

    def predict() -> None:
        method.predict(hollow.latents(twice), hollow.times(twice), hollow.context(twice), prepared[0])

    first = measure(prepare)
    steps = measure(predict).times(p.sampler_steps)
    last = measure(lambda: hollow.base.vae.decode(hollow.latents(batch)))
    work = first.then(steps).then(last).times(images / batch)
    note = f"{batch} images at once, each with and without its text, {p.sampler_steps} steps"
    return Cost(work.flops, work.moved, work.calls, hollow.weights + work.peak, p.precision, note)


def _count(parameters: Iterable[torch.Tensor]) -> int:
    """Numbers in the parameters, each parameter once however many modules share it."""
    return sum(parameter.numel() for parameter in {id(one): one for one in parameters}.values())
