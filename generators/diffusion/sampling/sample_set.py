"""Samples one image for every condition, in batches, leaving alone what is there already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bench.contracts import Context, Split
from bench.images import save_png
from generators.diffusion.base_model.coding import decode_latents, encode_distinct, encode_prompts
from generators.diffusion.base_model.model import Base
from generators.diffusion.conditioning.hints import load_hints
from generators.diffusion.conditioning.method import Method
from generators.diffusion.sampling.sampler import Sampler, initial_noise, sample_latents


def sample_set(
    base: Base, method: Method, sampler: Sampler, conditions: Split, prompts: list[str], size: int, batch: int,
    out: Path, ctx: Context,
) -> None:  # fmt: skip
    """Write `out/images/<id>.png` for every condition; each process of a team samples every so-manieth batch."""
    context, empty = encode_distinct(base, prompts), encode_prompts(base, [""])
    # Whole batches in the order of the conditions: a resumed run repeats the batches of an uninterrupted one.
    mine = range(0, len(conditions), batch)[ctx.team.rank :: ctx.team.size]
    starts = [s for s in mine if not _there(out, conditions[s : s + batch])]
    total, left = (sum(len(conditions[s : s + batch]) for s in some) for some in (mine, starts))
    with ctx.progress.bar(total * sampler.steps, "step", done=(total - left) * sampler.steps) as bar:
        for start in starts:
            part = conditions[start : start + batch]
            images = sample_part(
                base, method, sampler, part, context[start : start + batch], empty, size, ctx,
                lambda: bar.update(len(part)),  # noqa: B023 (called within this turn of the loop only)
            )  # fmt: skip
            for sample, pixels in zip(part, images, strict=True):
                if not _there(out, (sample,)):
                    save_png(out / "images" / f"{sample.id}.png", pixels)


def sample_part(
    base: Base, method: Method, sampler: Sampler, part: Split, context: torch.Tensor, empty: torch.Tensor, size: int,
    ctx: Context, tick: Callable[[], None],
) -> np.ndarray:  # fmt: skip
    """uint8 (n, size, size, 3): one image for each condition of `part`, its noise by (seed, id)."""
    factor = 2 ** (len(base.vae.config.block_out_channels) - 1)
    shape = (base.unet.config.in_channels, size // factor, size // factor)
    mask, image = load_hints(part, size, method.uses_image, ctx.device)
    noise = initial_noise([sample.id for sample in part], ctx.seed, shape).to(ctx.device)
    latents = sample_latents(base, method, sampler, noise, mask, image, context, empty, tick)
    return decode_latents(base, latents).numpy()


def _there(out: Path, part: Split) -> bool:
    return all((out / "images" / f"{sample.id}.png").is_file() for sample in part)
