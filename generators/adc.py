"""ADC: a mask-only student learns beside an image-and-mask teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from generators.diffusion.generator import DiffusionGenerator
from generators.diffusion.params import DiffusionParams

if TYPE_CHECKING:
    from generators.diffusion.base_model.model import Base
    from generators.diffusion.training.adc_step import AdcMethod


@dataclass(frozen=True, kw_only=True)
class Params(DiffusionParams):
    """With the weights of the two losses beside the student's own."""

    w_teacher: float = param(1.0, "weight of the teacher's own loss (released code: 0)", low=0.0)
    w_distill: float = param(1.0, "weight of distillation from teacher to student (released code: 0)", low=0.0)


class Adc(DiffusionGenerator):
    """Adaptively Distilled ControlNet, the successor of Siamese-Diffusion by the same authors.

    Trained: the student's ControlNet (with Dense Hint Input) and decoder, and the teacher's own of both. Frozen: VAE,
    text encoder, U-Net encoder and middle. Sampling sees the mask alone and uses the student.

    Where code and paper differ: the released code multiplies the teacher's loss and the distillation by 0, and so
    trains a ControlNet with Dense Hint Input and nothing more. Ours restores both, as the paper defines them;
    `--set adc.w_teacher=0 --set adc.w_distill=0` is the code as released. No online augmentation in either.
    """

    version = 2
    cite = "Qiu et al., Adaptively Distilled ControlNet, MICCAI 2025, arXiv:2507.23652"
    Params = Params

    def method(self, base: Base, seed: int) -> AdcMethod:
        from copy import deepcopy

        from generators.diffusion.conditioning.control import build_controlnet
        from generators.diffusion.conditioning.networks import build_networks
        from generators.diffusion.training.adc_step import AdcMethod, Teacher, Weights

        nets = build_networks(base, seed, dense_hint=True)
        controlnet = build_controlnet(base.unet, dense_hint=True, halvings=base.halvings)
        controlnet = controlnet.to(base.unet.device).train()
        teacher = Teacher(controlnet, deepcopy(nets.decoder))
        return AdcMethod(nets=nets, teacher=teacher, weights=Weights(self.params.w_teacher, self.params.w_distill))
