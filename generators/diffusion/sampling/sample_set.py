"""Samples one image for every condition, in batches; images that are there already stay."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from bench.contracts import Split, unfinished
from bench.images import save_png
from generators.denoising.noise import initial_noise
from generators.denoising.todo import batches_to_do
from generators.diffusion.base_model.coding import decode_latents, encode_distinct, encode_prompts
from generators.diffusion.conditioning.hints import load_hints
from generators.diffusion.sampling.sampler import Conditions, SamplingJob, sample_latents


def sample_set(job: SamplingJob, conditions: Split, prompts: list[str], batch: int, out: Path) -> None:
    """Write `out/images/<id>.png` for every condition. With N processes each samples every N-th batch."""
    context, empty = encode_distinct(job.base, prompts), encode_prompts(job.base, [""])
    todo, steps = batches_to_do(conditions, batch, out, job.ctx.processes), job.sampler.steps
    with job.ctx.progress.bar(todo.total * steps, "step", done=todo.done * steps) as bar:
        for at in todo.batches:
            part = conditions[at]
            tick = partial(bar.update, len(part))
            images = dict(zip(part, sample_part(job, part, context[at], empty, tick), strict=True))
            for sample in unfinished(part, out):
                save_png(out / "images" / f"{sample.id}.png", images[sample])


def sample_part(
    job: SamplingJob, part: Split, context: torch.Tensor, empty: torch.Tensor, tick: Callable[[], None]
) -> np.ndarray:
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
