"""Deterministic DDIM (eta 0) with guidance, from masks: what depends on the mask alone is computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from generators.diffusion.base_model.model import Base
from generators.diffusion.base_model.precision import arithmetic
from generators.diffusion.conditioning.method import Method


@dataclass(frozen=True)
class Sampler:
    """`guidance` scales conditional against unconditional noise; the unconditional branch keeps the mask and drops
    only the text, as the authors do."""

    steps: int
    guidance: float
    precision: str = "fp32"


def initial_noise(ids: Sequence[str], seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    """(n, *shape): each image's noise depends on (seed, id) alone, not on batch or order."""
    return torch.stack([torch.randn(shape, generator=_generator(seed, name)) for name in ids])


def _generator(seed: int, name: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@torch.inference_mode()
def sample_latents(
    base: Base, method: Method, sampler: Sampler, noise: torch.Tensor, mask: torch.Tensor, image: torch.Tensor | None,
    context: torch.Tensor, empty: torch.Tensor, tick: Callable[[], None],
) -> torch.Tensor:  # fmt: skip
    """Scaled latents (n, c, h, w) from noise of that shape; hints (n, 3, 8h, 8w), context (n, tokens, width)."""
    with arithmetic(sampler.precision, str(noise.device)):
        prepared = method.twice(method.prepare(mask, image))
        context = torch.cat([empty.expand_as(context), context])
        latents = noise
        twice = torch.cat([latents, latents])  # the same memory at every step
        base.scheduler.set_timesteps(sampler.steps, device=latents.device)
        for t in base.scheduler.timesteps:
            without, given = method.predict(twice, t.expand(len(twice)), context, prepared).float().chunk(2)
            predicted = torch.add(without, given.sub_(without), alpha=sampler.guidance)
            latents = base.scheduler.step(predicted, t, latents, eta=0.0).prev_sample
            twice.unflatten(0, (2, -1)).copy_(latents)
            tick()
    return latents
