"""Polyp-DDPM: diffusion on pixels, with the mask beside the noisy image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench.contracts import param
from bench.errors import BenchError
from generators.pixel.published import PublishedPixelGenerator, PublishedPixelParams

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from generators.denoising.average import Decay
    from generators.denoising.learner import Schedule
    from generators.pixel.batch import Augment
    from generators.pixel.concatenated import ConcatenatedMethod
    from generators.pixel.method import Walk

TIMESTEPS = 250
PREFIX = "denoise_fn."
MULTIPLIERS = {
    64: (1, 2, 3, 4),
    128: (1, 1, 2, 3, 4),
    256: (1, 1, 2, 2, 4, 4),
    512: (0.5, 1, 1, 2, 2, 4, 4),
}
"""Channels of the U-Net's levels, in first widths, for images up to that size (code)."""
ATTENTION_SIDE = 16


@dataclass(frozen=True, kw_only=True)
class Params(PublishedPixelParams):
    """Defaults are the authors' code and, for the number of steps, their README."""

    size: int = param(256, "images are resized to this square", unit="px", low=32, high=512)
    width: int = param(64, "channels of the U-Net's first level: a multiple of its 32 norm groups (code)", low=32)
    levels_of: int = param(
        0,
        "the U-Net's levels as the authors have them for images of this size; 0: of `size`",
        choices=(0, *MULTIPLIERS),
    )
    steps: int = param(100_000, "optimiser steps (README; the code's default is 10)", low=1)
    batch: int = param(64, "images an optimiser step, over all devices (code: 32 × 2 accumulations)", low=1)
    lr: float = param(1e-4, "learning rate of Adam, constant (code)", low=0.0)
    augmentation: bool = param(True, "turn, crop and flip pairs (code); turning leaves black corners")
    sampler: str = param("ancestral", "steps at random (code) or without", choices=("ancestral", "ddim"))
    sampler_steps: int = param(250, "steps of the sampler; ancestral: all 250 of the schedule (code)", low=1, high=250)
    average_from: int = param(2000, "step from which weights are averaged (code)", low=0)


class PolypDdpm(PublishedPixelGenerator):
    """A denoising U-Net on pixels that sees the mask as three more channels; 250 steps, cosine schedule, L1 loss.

    Everything is trained, from random weights. An average of weights samples: from step 2,000 on .995 of it is kept
    every tenth step.

    Where code and ours differ: masks are thresholded (the authors' are JPEG, resized by a cubic filter, soft); the
    code divides the loss by the batch once more, which Adam undoes.
    """

    version = 1
    cite = "Dorjsembe et al., Polyp-DDPM, EMBC 2024"
    Params = Params
    requires = (*PublishedPixelGenerator.requires, "torchvision")

    def widths(self) -> tuple[int, ...]:
        p = self.params
        published = p.levels_of or min(size for size in MULTIPLIERS if p.size <= size)
        return tuple(int(p.width * times) for times in MULTIPLIERS[published])

    def method(self) -> ConcatenatedMethod:
        from torch.nn.functional import l1_loss

        from generators.pixel.concatenated import ConcatenatedMethod
        from generators.pixel.schedules import polyp_ddpm_scheduler
        from generators.pixel.unet import UnetShape, attended, build_plain

        widths = self.widths()
        attention = attended(self.params.size, len(widths), (ATTENTION_SIDE,))
        unet = build_plain(UnetShape(in_channels=6, widths=widths, attention=attention))
        return ConcatenatedMethod(unet, polyp_ddpm_scheduler().alphas_cumprod, as_channels, l1_loss)

    def walk(self) -> Walk:
        from generators.pixel.method import Walk
        from generators.pixel.schedules import polyp_ddpm_scheduler

        p = self.params
        if p.sampler == "ancestral":
            return Walk(polyp_ddpm_scheduler(), TIMESTEPS)
        return Walk(polyp_ddpm_scheduler(ancestral=False), p.sampler_steps)

    def schedule(self) -> Schedule:
        from generators.denoising.learner import Schedule

        p = self.params
        return Schedule(steps=p.steps, lr=p.lr, weight_decay=0.0, checkpoint_every=p.checkpoint_every)

    def decay(self) -> Decay:
        return partial(_decay, begins=self.params.average_from)

    def augment(self) -> Augment | None:
        from generators.pixel.augment import turn_and_crop

        return turn_and_crop if self.params.augmentation else None

    def read_published(self, file: Path) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
        """Keys `denoise_fn.*` and the schedule's buffers, below `ema` in a file of the authors' trainer."""
        from generators.denoising.checkpoint_file import read_checkpoint
        from generators.pixel.schedules import polyp_ddpm_scheduler

        state = read_checkpoint(file, under="ema")
        betas = state.get("betas")
        if betas is not None and not _same(betas, polyp_ddpm_scheduler().betas):
            raise BenchError(
                f"{file}: betas are not those of {TIMESTEPS} cosine steps; such a model cannot be sampled here"
            )
        weights = {key.removeprefix(PREFIX): value for key, value in state.items() if key.startswith(PREFIX)}
        return weights, (f"left out: {len(state) - len(weights)} buffers of the schedule",)


def as_channels(masks: torch.Tensor) -> torch.Tensor:
    """(n, 1, h, w) in [0, 1] -> (n, 3, h, w) in [-1, 1]."""
    return (masks * 2 - 1).repeat(1, 3, 1, 1)


def _decay(number: int, begins: int) -> float:
    """Of optimiser step `number`, from 1; the authors count from 0."""
    if (number - 1) % 10:
        return 1.0
    return 0.0 if number - 1 < begins else 0.995


def _same(found: torch.Tensor, own: torch.Tensor) -> bool:
    return found.shape == own.shape and bool((found.float() - own).abs().max() < 1e-4)
