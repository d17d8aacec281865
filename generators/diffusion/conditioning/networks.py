"""The networks of a ControlNet-like generator, built round a base model."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers import ControlNetModel, UNet2DConditionModel

from generators.diffusion.base_model.model import Base
from generators.diffusion.conditioning.control import Decoder, build_controlnet


@dataclass(frozen=True)
class Networks:
    """ControlNet and decoder are trained; the U-Net's encoder and middle are frozen."""

    unet: UNet2DConditionModel
    controlnet: ControlNetModel
    decoder: Decoder
    alphas_cumprod: torch.Tensor


def build_networks(
    base: Base,
    seed: int,
    *,
    dense_hint: bool,
    hint_channels: int = 3,
    published_hint: bool = False,
    locked: bool = False,
) -> Networks:
    """On the base model's device. The hint block's initial weights are random and come from `seed`."""
    torch.manual_seed(seed)
    device = base.unet.device
    controlnet = build_controlnet(
        base.unet,
        dense_hint=dense_hint,
        halvings=base.halvings,
        hint_channels=hint_channels,
        published_hint=published_hint,
    )
    controlnet = controlnet.to(device).train()
    decoder = Decoder(base.unet).requires_grad_(not locked)
    return Networks(base.unet, controlnet, decoder, base.scheduler.alphas_cumprod.to(device))
