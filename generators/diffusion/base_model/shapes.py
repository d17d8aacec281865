"""A base model's shape without its weights, to count what is trained and what is frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from generators.diffusion.base_model.location import base_folder
from generators.diffusion.base_model.model import SCHEDULER, Base

SD15_UNET = {"cross_attention_dim": 768, "sample_size": 64}
SD15_VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
}
SD15_TEXT = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
"""Configurations of Stable Diffusion 1.5 where they differ from the libraries' defaults."""


def meta_base(source: str) -> Base:
    """The base model on torch's `meta` device; Stable Diffusion 1.5's shape where it is not on this machine."""
    folder = base_folder(source)
    with torch.device("meta"):
        scheduler = DDIMScheduler(**SCHEDULER)
        if folder is None:
            text = CLIPTextModel(CLIPTextConfig(**SD15_TEXT))
            unet, vae = UNet2DConditionModel(**SD15_UNET), AutoencoderKL(**SD15_VAE)
        else:
            text = CLIPTextModel(CLIPTextConfig.from_pretrained(folder / "text_encoder"))
            unet, vae = _empty(UNet2DConditionModel, folder / "unet"), _empty(AutoencoderKL, folder / "vae")
    for model in (vae, unet, text):
        model.requires_grad_(False)
    return Base(vae=vae, unet=unet, text_encoder=text, tokenizer=None, scheduler=scheduler)


def _empty(cls: Any, folder: Path) -> Any:
    return cls.from_config(cls.load_config(folder))


def millions(module: nn.Module, trained: bool) -> str:
    """Its parameters that are trained, or those that are not."""
    return f"{sum(p.numel() for p in module.parameters() if p.requires_grad == trained) / 1e6:.2f} M"
