"""One training step of the Adaptively Distilled ControlNet: an image-and-mask teacher beside the mask-only student.

L = L_student + w_t L_teacher + w_d L_distill. The teacher has a ControlNet and a decoder of its own and sees
c_m + 0.25 c_i, without stop-gradient on c_m: it trains the student's ControlNet too. L_distill pulls the student's
noise to the teacher's, which is detached, and weighs lesion and background by each other's share of the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from diffusers import ControlNetModel
from torch import nn

from generators.diffusion.conditioning.batch import Batch
from generators.diffusion.conditioning.control import Controls, Decoder, Encoded, encode, hint_features, run_controlnet
from generators.diffusion.conditioning.method import ControlNetMethod
from generators.diffusion.training.cut import cut, pass_on

IMAGE_SHARE = 0.25


@dataclass(frozen=True)
class Teacher:
    """Both are trained, neither is needed to sample."""

    controlnet: ControlNetModel
    decoder: Decoder


@dataclass(frozen=True)
class Weights:
    """Of the teacher's own loss and of distillation; the authors' released code has both at 0."""

    teacher: float = 1.0
    distill: float = 1.0


@dataclass(frozen=True, kw_only=True)
class AdcMethod(ControlNetMethod):
    """The student is a ControlNet on masks like any other."""

    teacher: Teacher
    weights: Weights

    @property
    def trained(self) -> Mapping[str, nn.Module]:
        return {**self.kept, "teacher_controlnet": self.teacher.controlnet, "teacher_decoder": self.teacher.decoder}

    @property
    def kept(self) -> Mapping[str, nn.Module]:
        return super().trained

    def backward(self, batch: Batch, step: int, share: float) -> dict[str, float]:
        noisy = batch.noisy(batch.latents, self.alphas_cumprod)
        encoded = encode(self.nets.unet, noisy, batch.t, batch.context)
        controls_m = _controls(self.nets.controlnet, batch, noisy, batch.mask)
        controls_i = _controls(self.teacher.controlnet, batch, noisy, batch.image)
        leaves_m, leaves_i = cut(controls_m), cut(controls_i)
        guide, losses = self._teach(batch, encoded, leaves_m, leaves_i, share)
        losses |= self._learn(batch, encoded, leaves_m, guide, share)
        pass_on([*controls_m, *controls_i], [*leaves_m, *leaves_i])
        total = losses["mask"] + self.weights.teacher * losses["teacher"] + self.weights.distill * losses["distill"]
        return {"loss": total, **losses}

    def _teach(
        self, batch: Batch, encoded: Encoded, controls_m: Controls, controls_i: Controls, share: float
    ) -> tuple[torch.Tensor, dict[str, float]]:
        mixed = [m + IMAGE_SHARE * i for m, i in zip(controls_m, controls_i, strict=True)]
        predicted = self.teacher.decoder(encoded, mixed)
        loss = nn.functional.mse_loss(predicted, batch.noise)
        (share * self.weights.teacher * loss).backward()
        return predicted.detach(), {"teacher": loss.item()}

    def _learn(
        self, batch: Batch, encoded: Encoded, controls: Controls, guide: torch.Tensor, share: float
    ) -> dict[str, float]:
        predicted = self.nets.decoder(encoded, controls)
        loss = nn.functional.mse_loss(predicted, batch.noise)
        distill = (adaptive_map(batch.mask, predicted.shape[-2:]) * (predicted - guide).square()).mean()
        (share * (loss + self.weights.distill * distill)).backward()
        return {"mask": loss.item(), "distill": distill.item()}


def _controls(controlnet: ControlNetModel, batch: Batch, noisy: torch.Tensor, hint: torch.Tensor) -> Controls:
    return run_controlnet(controlnet, noisy, batch.t, batch.context, hint_features(controlnet, hint))


def adaptive_map(mask: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """Mask (n, 3, fh, fw) in {0, 1} -> (n, 1, h, w): 1 - r on the lesion and r off it, r the lesion's share."""
    small = nn.functional.interpolate(mask[:, :1], size=size, mode="nearest")
    share = small.mean((2, 3), keepdim=True)
    return small * (1 - share) + (1 - small) * share
