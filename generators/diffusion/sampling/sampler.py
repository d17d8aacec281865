"""Deterministic DDIM (eta 0) with guidance, from masks: what depends on the mask alone is computed once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from bench.contracts import Context
from generators.denoising.precision import arithmetic
from generators.denoising.sample_set import Tick
from generators.diffusion.base_model.model import Base
from generators.diffusion.conditioning.method import Method


@dataclass(frozen=True)
class Sampler:
    """`guidance` scales conditional against unconditional noise; the unconditional branch keeps the mask and drops
    only the text, as the authors do."""

    steps: int
    guidance: float
    precision: str = "fp32"


@dataclass(frozen=True, kw_only=True)
class SamplingJob:
    """What every batch of a set has in common; images are squares of `size` pixels."""

    base: Base
    method: Method
    sampler: Sampler
    size: int
    ctx: Context


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Of a batch: hints (n, 3, fh, fw) in [0, 1], embeddings of its texts (n, tokens, width) and of the empty text.

    `image` is None where the method does not look at the pairs' images.
    """

    mask: torch.Tensor
    image: torch.Tensor | None
    context: torch.Tensor
    empty: torch.Tensor


@torch.inference_mode()
def sample_latents(job: SamplingJob, noise: torch.Tensor, conditions: Conditions, tick: Tick) -> torch.Tensor:
    """Scaled latents (n, c, h, w) from noise of that shape; `tick` is called after each of the sampler's steps."""
    scheduler, sampler, method = job.base.scheduler, job.sampler, job.method
    with arithmetic(sampler.precision, str(noise.device)):
        prepared = method.twice(method.prepare(conditions.mask, conditions.image))
        context = torch.cat([conditions.empty.expand_as(conditions.context), conditions.context])
        latents = noise
        twice = torch.cat([latents, latents])  # the same memory at every step
        scheduler.set_timesteps(sampler.steps, device=latents.device)
        for t in scheduler.timesteps:
            without, given = method.predict(twice, t.expand(len(twice)), context, prepared).float().chunk(2)
            predicted = torch.add(without, given.sub_(without), alpha=sampler.guidance)
            latents = scheduler.step(predicted, t, latents, eta=0.0).prev_sample
            twice.unflatten(0, (2, -1)).copy_(latents)
            tick()
    return latents
