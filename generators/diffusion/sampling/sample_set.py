"""Samples one image for every condition, in batches; images that are there already stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bench.contracts import Split
from generators.denoising.noise import initial_noise
from generators.denoising.sample_set import Tick, write_set
from generators.diffusion.base_model.coding import decode_latents, encode_distinct, encode_prompts
from generators.diffusion.conditioning.hints import load_hints
from generators.diffusion.sampling.sampler import Conditions, SamplingJob, sample_latents


def sample_set(job: SamplingJob, conditions: Split, prompts: list[str], batch: int, out: Path) -> None:
    """Write `out/images/<id>.png` for every condition."""
    context, empty = encode_distinct(job.base, prompts), encode_prompts(job.base, [""])

    def make(at: slice, tick: Tick) -> np.ndarray:
        return sample_part(job, conditions[at], context[at], empty, tick)

    write_set(conditions, make, batch=batch, steps=job.sampler.steps, out=out, ctx=job.ctx)


def sample_part(job: SamplingJob, part: Split, context: torch.Tensor, empty: torch.Tensor, tick: Tick) -> np.ndarray:
    """uint8 (n, size, size, 3): one image for each condition of `part`, its noise by (seed, id).

    `context` (n, tokens, width) and `empty` (1, tokens, width) embed the conditions' texts and the empty text.
    """
    base, size, ctx = job.base, job.size, job.ctx
    factor = 2**base.halvings
    shape = (base.unet.config.in_channels, size // factor, size // factor)
    mask, image = load_hints(part, size, job.method.uses_image, ctx.device)
    noise = initial_noise([sample.id for sample in part], ctx.seed, shape).to(ctx.device)
    conditions = Conditions(mask=mask, image=image, context=context, empty=empty)
    return decode_latents(base, sample_latents(job, noise, conditions, tick)).numpy()
