"""Images from noise and masks, by a scheduler of diffusers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from bench.contracts import Context, Sample, Split
from bench.images import load_mask, size_of
from generators.denoising.letterbox import boxed_mask, unboxed
from generators.denoising.noise import draw_each, generators_of
from generators.denoising.precision import arithmetic
from generators.denoising.sample_set import Tick
from generators.pixel.batch import as_mask
from generators.pixel.method import PixelMethod, Walk


@dataclass(frozen=True, kw_only=True)
class PixelJob:
    """What every batch of a set has in common; images are squares of `size` pixels that `network` makes."""

    method: PixelMethod
    network: nn.Module
    walk: Walk
    size: int
    precision: str
    ctx: Context
    letterbox: bool = False

    def sample(self, part: Split, tick: Tick) -> np.ndarray:
        """uint8 (n, size, size, 3): one image for each condition, its random numbers by (seed, id) alone."""
        masks = torch.stack([as_mask(self._mask(sample)) for sample in part]).to(self.ctx.device)
        images = as_bytes(walk(self, masks, generators_of([sample.id for sample in part], self.ctx.seed), tick))
        if not self.letterbox:
            return images
        return np.stack([unboxed(image, size_of(one.mask)) for image, one in zip(images, part, strict=True)])

    def _mask(self, sample: Sample) -> np.ndarray:
        return boxed_mask(sample.mask, self.size) if self.letterbox else load_mask(sample.mask, (self.size, self.size))


@torch.inference_mode()
def walk(job: PixelJob, masks: torch.Tensor, generators: list[torch.Generator], tick: Tick) -> torch.Tensor:
    """Images (n, 3, h, w), about in [-1, 1], for masks (n, 1, h, w) in [0, 1]; `tick` is called after each step."""
    scheduler, steps = job.walk.scheduler, job.walk.steps
    x = draw_each(generators, (3, *masks.shape[2:])).to(masks.device)
    with arithmetic(job.precision, str(masks.device)):
        prepared = job.method.prepare_walk(masks)
        scheduler.set_timesteps(steps, device=masks.device)
        for t in scheduler.timesteps:
            predicted = job.method.predict(job.network, x, t.expand(len(x)), prepared).float()
            x = scheduler.step(predicted, t, x, generator=generators, **job.walk.options).prev_sample
            tick()
    return x


def as_bytes(images: torch.Tensor) -> np.ndarray:
    """(n, 3, h, w) in [-1, 1], clipped -> uint8 (n, h, w, 3), rounded."""
    return (images.clamp(-1, 1) + 1).mul(127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
