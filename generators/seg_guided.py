"""Segmentation-guided diffusion: diffusion on pixels, with the mask as one more channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench.contracts import param
from generators.pixel.generator import PixelGenerator
from generators.pixel.params import PixelParams

if TYPE_CHECKING:
    import torch

    from generators.denoising.learner import Schedule
    from generators.pixel.concatenated import ConcatenatedMethod
    from generators.pixel.method import Walk

MULTIPLIERS = (1, 1, 2, 2, 4, 4)
LEVELS = (False, False, False, False, True, False)
"""Which have attention (code)."""
HEAD = 8
TIMESTEPS = 1000


@dataclass(frozen=True, kw_only=True)
class Params(PixelParams):
    """Defaults are the authors' code; where their README differs, it is said."""

    size: int = param(256, "images are resized to this square", unit="px", low=32, high=2048)
    width: int = param(128, "channels of the U-Net's first level: a multiple of its 32 norm groups (code)", low=32)
    steps: int = param(9000, "optimiser steps (code: 200 epochs; README: 400; of 1,450 images 200 make 9,000)", low=1)
    batch: int = param(32, "images an optimiser step, over all devices (code; README: 16)", low=1)
    lr: float = param(1e-4, "largest learning rate of AdamW; from it half a cosine down to 0 (code)", low=0.0)
    warm_up: int = param(500, "steps to the largest learning rate (code)", low=0)
    weight_decay: float = param(1e-2, "of AdamW (code: torch's default)", low=0.0)
    ablation: bool = param(False, "half of the training steps without masks (code, off by default)")
    sampler: str = param("ancestral", "1,000 steps at random (code) or DDIM (README)", choices=("ancestral", "ddim"))
    sampler_steps: int = param(50, "steps of DDIM (code); the ancestral sampler takes all 1,000", low=1, high=1000)


class SegGuided(PixelGenerator):
    """A denoising U-Net on pixels that sees the mask as one more channel; 1,000 steps, linear schedule, squared error.

    Everything is trained, from random weights; the last weights sample. A mask is 0 or 1 in its channel, as the
    authors' are that are stored as 0 and 255.

    Where code and ours differ: with `ablation` the authors leave masks out of sampling steps too; ours samples with the
    whole mask.
    """

    version = 1
    cite = "Konz et al., Anatomically-Controllable Medical Image Generation, MICCAI 2024"
    Params = Params

    def widths(self) -> tuple[int, ...]:
        return tuple(self.params.width * times for times in MULTIPLIERS)

    def method(self) -> ConcatenatedMethod:
        from torch.nn.functional import mse_loss

        from generators.pixel.concatenated import ConcatenatedMethod
        from generators.pixel.schedules import seg_guided_scheduler
        from generators.pixel.unet import UnetShape, build_default

        unet = build_default(UnetShape(in_channels=4, widths=self.widths(), attention=LEVELS, head=HEAD))
        return ConcatenatedMethod(unet, seg_guided_scheduler(ancestral=True).alphas_cumprod, _as_they_are, mse_loss)

    def walk(self) -> Walk:
        from generators.pixel.method import Walk
        from generators.pixel.schedules import seg_guided_scheduler

        ancestral = self.params.sampler == "ancestral"
        return Walk(seg_guided_scheduler(ancestral=ancestral), TIMESTEPS if ancestral else self.params.sampler_steps)

    def unmasked(self) -> float:
        return 0.5 if self.params.ablation else 0.0

    def schedule(self) -> Schedule:
        from generators.denoising.learner import Schedule

        p = self.params
        return Schedule(
            steps=p.steps,
            lr=p.lr,
            weight_decay=p.weight_decay,
            checkpoint_every=p.checkpoint_every,
            rate=partial(warm_cosine, steps=p.steps, warm=p.warm_up),
            clip=1.0,
        )


def warm_cosine(number: int, steps: int, warm: int) -> float:
    """Share of the learning rate at step `number`, from 0, of so many: linearly up, then half a cosine down to 0."""
    if number < warm:
        return number / warm
    return 0.5 * (1 + math.cos(math.pi * (number - warm) / max(1, steps - warm)))


def _as_they_are(masks: torch.Tensor) -> torch.Tensor:
    return masks
