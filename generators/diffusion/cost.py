"""What training and sampling of a diffusion generator take, counted on the base model's shape without its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import nn

from bench.contracts import Cost
from bench.cost.meter import Work, measure
from generators.denoising.recompute import recompute_activations
from generators.diffusion.base_model.model import Base
from generators.diffusion.base_model.shapes import meta_base
from generators.diffusion.conditioning.batch import TIMESTEPS, Batch
from generators.diffusion.conditioning.method import Method
from generators.diffusion.params import DiffusionParams
from generators.diffusion.training.training_set import CHUNK

STAGES = 3
"""Points of the training at which a step is counted, each in the middle of a third: methods change with the step."""


@dataclass(frozen=True)
class MetaRun:
    """Base model and method on `meta`, and the number types of a run."""

    base: Base
    method: Method
    size: int
    dtype: torch.dtype

    @property
    def weights(self) -> float:
        """Bytes; weights stay in single precision whatever the arithmetic's."""
        return _bytes(self.base, *self.method.trained.values())

    @property
    def trained(self) -> list[nn.Parameter]:
        """The parameters that get gradients."""
        return [p for module in self.method.trained.values() for p in module.parameters() if p.requires_grad]

    def empty(self, *shape: int) -> torch.Tensor:
        """A tensor of that shape on `meta`, in the run's number type."""
        return torch.empty(shape, device="meta", dtype=self.dtype)

    def latents(self, images: int) -> torch.Tensor:
        """(images, c, h, w)."""
        side = self.size // 2**self.base.halvings
        return self.empty(images, self.base.unet.config.in_channels, side, side)

    def context(self, images: int) -> torch.Tensor:
        """Embeddings of texts, (images, tokens, width)."""
        text = self.base.text_encoder.config
        return self.empty(images, text.max_position_embeddings, self.base.unet.config.cross_attention_dim)

    def hint(self, images: int) -> torch.Tensor:
        """Of masks or images, (images, 3, size, size)."""
        return self.empty(images, 3, self.size, self.size)

    def times(self, images: int) -> torch.Tensor:
        """Evenly spread and with their numbers: a method may treat early and late t differently."""
        return ((torch.arange(images) + 0.5) * TIMESTEPS / images).long()


def build_meta_run(source: str, build: Callable[[Base, int], Method], p: DiffusionParams) -> MetaRun:
    """The run that the parameters describe; `build(base, seed)` makes its method."""
    base = meta_base(source)
    dtype = torch.bfloat16 if p.precision == "bf16" else torch.float32
    base.scheduler.alphas_cumprod = base.scheduler.alphas_cumprod.to(dtype)
    with torch.device("meta"):
        method = build(base, 0)
    for module in (base.vae, base.unet, *method.trained.values()):
        # diffusers' own `to` warns of what matters to numbers, and here are none.
        nn.Module.to(module, dtype)
    if p.gradient_checkpointing:
        recompute_activations([base.unet, *method.trained.values()])
    return MetaRun(base, method, p.size, dtype)


def fit_cost(run: MetaRun, p: DiffusionParams, images: int, devices: int) -> Cost:
    """Training on so many pairs. Memory: weights, gradients, AdamW's moments, and all that is alive at the peak of a
    step (a bf16 run keeps norms in fp32, which is not counted). Training files lie on disk.
    """
    micro = p.batch // (devices * p.accumulation)
    encode = measure(lambda: run.base.vae.encode(run.hint(CHUNK)))
    update, state = _update(run, p)
    gradients = 4.0 * _count(run.trained)
    backward = _backward(run, p, micro)
    step = backward.times(p.accumulation).then(update)
    work = encode.times(images / CHUNK).then(step.times(p.steps))
    # What bf16 gradients lack to the single precision in which they are kept, and autocast's copies of the weights.
    held = run.weights + state + (gradients if p.accumulation > 1 else 0)
    lack = gradients if p.precision == "bf16" else 0.0
    parts = f"{devices} device{'s' if devices > 1 else ''} × {micro} images × accumulation {p.accumulation}"
    less = "" if p.gradient_checkpointing and micro == 1 else "; less memory: accumulation, gradient_checkpointing"
    note, memory = f"{parts}, {p.steps} steps{less}", held + lack + work.peak
    return Cost(flops=work.flops, moved=work.moved, calls=work.calls, memory=memory, precision=p.precision, note=note)


def _backward(run: MetaRun, p: DiffusionParams, micro: int) -> Work:
    """A micro-batch's work, averaged over the training; the peak is its largest."""
    batch = Batch(
        latents=run.latents(micro),
        noise=run.latents(micro),
        t=run.times(micro),
        context=run.context(micro),
        mask=run.hint(micro),
        image=run.hint(micro),
    )
    works = []
    for number in range(STAGES):
        for parameter in run.trained:
            parameter.grad = torch.empty_like(parameter) if p.accumulation > 1 else None
        step = int((number + 0.5) * p.steps / STAGES)
        works.append(measure(lambda: run.method.backward(batch, step, 1.0)))  # noqa: B023 (called at once)
    return reduce(Work.then, works).times(1 / STAGES)


def _update(run: MetaRun, p: DiffusionParams) -> tuple[Work, float]:
    """AdamW's work a step, and the bytes of its state."""
    twins = [torch.empty_like(parameter, dtype=torch.float32).requires_grad_() for parameter in run.trained]
    for twin in twins:
        twin.grad = torch.empty_like(twin)
    optimizer = torch.optim.AdamW(twins, p.lr, weight_decay=p.weight_decay)
    measure(optimizer.step)
    return measure(optimizer.step), 8.0 * _count(twins)


@torch.no_grad()
def sample_cost(run: MetaRun, p: DiffusionParams, images: int) -> Cost:
    """Sampling of so many images on one device."""
    batch = min(p.sample_batch, images)
    method, twice = run.method, 2 * batch
    prepared: list[Any] = []

    def prepare() -> None:
        prepared.append(method.twice(method.prepare(run.hint(batch), run.hint(batch))))

    def predict() -> None:
        method.predict(run.latents(twice), run.times(twice), run.context(twice), prepared[0])

    first = measure(prepare)
    steps = measure(predict).times(p.sampler_steps)
    last = measure(lambda: run.base.vae.decode(run.latents(batch)))
    work = first.then(steps).then(last).times(images / batch)
    note = f"{batch} images at once, each with and without its text, {p.sampler_steps} steps"
    return Cost(
        flops=work.flops,
        moved=work.moved,
        calls=work.calls,
        memory=run.weights + work.peak,
        precision=p.precision,
        note=note,
    )


@torch.no_grad()
def reconstruction_cost(source: str, size: int, batch: int, images: int) -> Cost:
    """So many images through the autoencoder of base model `source` and back, `batch` at once, on one device."""
    base = meta_base(source)
    batch = min(batch, images)
    pixels = torch.empty(batch, 3, size, size, device="meta")
    work = measure(lambda: base.vae.decode(base.vae.encode(pixels).latent_dist.mean))
    work = work.times(images / batch)
    return Cost(
        flops=work.flops,
        moved=work.moved,
        calls=work.calls,
        memory=_bytes(base) + work.peak,
        note=f"{batch} images at once",
    )


def _bytes(base: Base, *more: nn.Module) -> float:
    """Of the weights of a whole base model, which is loaded whole, and of further networks."""
    models = (base.vae, base.unet, base.text_encoder, *more)
    return 4.0 * _count(parameter for model in models for parameter in model.parameters())


def _count(parameters: Iterable[torch.Tensor]) -> int:
    """Numbers in the parameters, each parameter once however many modules share it."""
    return sum(parameter.numel() for parameter in {id(one): one for one in parameters}.values())
