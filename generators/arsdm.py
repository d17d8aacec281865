"""ArSDM: semantic diffusion on pixels, with the mask in the norms and a loss that adapts to the lesion's size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from bench.errors import BenchError
from generators.pixel.published import PublishedPixelGenerator, PublishedPixelParams

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from generators.denoising.average import Decay
    from generators.denoising.learner import Schedule
    from generators.pixel.adaptive import AdaptiveMethod
    from generators.pixel.method import Walk

MULTIPLIERS = (1, 1, 2, 2, 4, 4)
ATTENTION = (8, 16, 32)
"""Levels with attention, by how far they are down-sampled (code)."""
GIGABYTE = 1e9
PREFIX = "model.diffusion_model."
AVERAGED = "model_ema."


@dataclass(frozen=True, kw_only=True)
class Params(PublishedPixelParams):
    """Defaults are the authors' code."""

    size: int = param(384, "images are resized to this square", unit="px", low=32, high=2048)
    width: int = param(256, "channels of the U-Net's first level: a multiple of its 32 norm groups (code)", low=32)
    hidden: int = param(128, "channels between mask and norm (code)", low=1)
    head: int = param(64, "channels of an attention head (code)", low=1)
    steps: int = param(18_125, "optimiser steps (code: 100 epochs; of 1,450 images these)", low=1)
    batch: int = param(8, "images an optimiser step, over all devices (code)", low=1)
    lr: float = param(8e-6, "learning rate of AdamW, constant (code: 1e-6 × batch)", low=0.0)
    weight_decay: float = param(1e-2, "of AdamW (code: torch's default)", low=0.0)
    sampler_steps: int = param(200, "steps of DDIM at eta 1 (code)", low=1, high=1000)
    sample_batch: int = param(1, "images sampled at once; at the published size `kept` holds one", low=1, key=False)
    letterbox: bool = param(True, "keep the aspect in the square, with black around, which samples lose again (code)")
    kept: float = param(4.0, "GB that the norms may keep of the masks while they are sampled", low=0.0, key=False)


class Arsdm(PublishedPixelGenerator):
    """A denoising U-Net on pixels that sees the mask in the norms of its middle and decoder (SPADE); 1,000 steps.

    The loss is the absolute difference of the noise; lesion and background weigh in it by each other's share of the
    image. Everything is trained, from random weights; an average of weights samples. What the norms make of a mask is
    computed once a mask and not at every step of the sampler.

    Where code and ours differ: samples are cropped to the image again and stretched to the square, as other generators'
    are (theirs keep the black around them); images are rounded to 8 bits (theirs are truncated). Their refinement by a
    segmentation network has no gradient in their code, so it only trains longer: `steps` does the same.
    """

    version = 1
    cite = (
        "Du et al., ArSDM: Colonoscopy Images Synthesis with Adaptive Refinement Semantic Diffusion Models, MICCAI 2023"
    )
    Params = Params
    shaped_by = ("hidden", "head")

    def widths(self) -> tuple[int, ...]:
        return tuple(self.params.width * times for times in MULTIPLIERS)

    def check_params(self, devices: int) -> None:
        super().check_params(devices)
        head, attended = (
            self.params.head,
            [width for width, has in zip(self.widths(), self._attention, strict=True) if has],
        )
        if any(width % head for width in attended):
            named = ", ".join(map(str, dict.fromkeys(attended)))
            raise BenchError(f"head={head}: divides not the {named} channels of the levels with attention")

    @property
    def _attention(self) -> tuple[bool, ...]:
        return tuple(2**level in ATTENTION for level in range(len(self.widths())))

    def method(self) -> AdaptiveMethod:
        from generators.pixel.adaptive import AdaptiveMethod
        from generators.pixel.schedules import arsdm_scheduler
        from generators.pixel.spade import SpadeUnet
        from generators.pixel.unet import UnetShape

        p, widths = self.params, self.widths()
        shape = UnetShape(in_channels=3, widths=widths, attention=self._attention, head=p.head)
        network = SpadeUnet(shape, p.hidden)
        return AdaptiveMethod(network, arsdm_scheduler().alphas_cumprod, p.kept * GIGABYTE)

    def walk(self) -> Walk:
        from generators.pixel.method import Walk
        from generators.pixel.schedules import arsdm_scheduler

        return Walk(arsdm_scheduler(), self.params.sampler_steps, {"eta": 1.0})

    def letterbox(self) -> bool:
        return bool(self.params.letterbox)

    def schedule(self) -> Schedule:
        from generators.denoising.learner import Schedule

        p = self.params
        return Schedule(steps=p.steps, lr=p.lr, weight_decay=p.weight_decay, checkpoint_every=p.checkpoint_every)

    def decay(self) -> Decay:
        return _decay

    def heads(self) -> int:
        return self.params.head

    def read_published(self, file: Path) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
        """Keys `model.diffusion_model.*`; their averages, whose names have no dots, where the file has them."""
        from generators.denoising.checkpoint_file import read_checkpoint

        state = read_checkpoint(file)
        trained = [key for key in state if key.startswith(PREFIX)]
        averages = {key: AVERAGED + key.removeprefix("model.").replace(".", "") for key in trained}
        whole = all(average in state for average in averages.values())
        kind = "averaged" if whole else "trained (the file has no averages)"
        weights = {key.removeprefix(PREFIX): state[averages[key] if whole else key] for key in trained}
        return weights, (f"taken: {kind} weights",)


def _decay(number: int) -> float:
    return min(0.9999, (1 + number) / (10 + number))
