"""Deterministic DDIM (eta 0) with guidance, from masks: what depends on the mask alone is computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from diffusers import ControlNetModel

from generators.diffusion.base import Base
from generators.diffusion.control import Decoder, encode, hint_features, run_controlnet


@dataclass(frozen=True)
class Sampler:
    """`guidance` scales conditional against unconditional noise; the unconditional branch keeps the mask and drops
    only the text, as the authors do."""

    steps: int
    guidance: float


def initial_noise(ids: Sequence[str], seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    """(n, *shape): each image's noise depends on (seed, id) alone, not on batch or order."""
    return torch.stack([torch.randn(shape, generator=_generator(seed, name)) for name in ids])


def _generator(seed: int, name: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@torch.inference_mode()
def sample_latents(
    base: Base, controlnet: ControlNetModel, decoder: Decoder, sampler: Sampler, noise: torch.Tensor,
    hint: torch.Tensor, context: torch.Tensor, empty: torch.Tensor, tick: Callable[[], None],
) -> torch.Tensor:  # fmt: skip
    """Scaled latents (n, c, h, w) from noise of that shape; hint (n, 3, 8h, 8w), context (n, tokens, width)."""
    features = hint_features(controlnet, hint).repeat(2, 1, 1, 1)
    context = torch.cat([empty.expand_as(context), context])
    latents = noise
    base.scheduler.set_timesteps(sampler.steps, device=latents.device)
    for t in base.scheduler.timesteps:
        twice = torch.cat([latents, latents])
        times = t.expand(len(twice))
        controls = run_controlnet(controlnet, twice, times, context, features)
        without, given = decoder(encode(base.unet, twice, times, context), controls).chunk(2)
        predicted = without + sampler.guidance * (given - without)
        latents = base.scheduler.step(predicted, t, latents, eta=0.0).prev_sample
        tick()
    return latents
