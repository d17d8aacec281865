"""T2I-Adapter: features of the mask added to the encoder of a U-Net that is wholly frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import T2IAdapter, UNet2DConditionModel
from torch import nn

from generators.diffusion.base_model.model import Base
from generators.diffusion.conditioning.method import Method


@dataclass(frozen=True)
class AdapterMethod(Method):
    """Features (one a level of the U-Net), the same at every t, added behind each level's encoder blocks."""

    unet: UNet2DConditionModel
    adapter: T2IAdapter
    alphas_cumprod: torch.Tensor

    @property
    def trained(self) -> Mapping[str, nn.Module]:
        return {"adapter": self.adapter}

    def prepare(self, mask: torch.Tensor, image: torch.Tensor | None) -> list[torch.Tensor]:
        """Features by level of the U-Net, each (n, width, h / 2^level, w / 2^level); half of it where added late."""
        levels = zip(self.adapter(mask), self.unet.down_blocks, strict=True)
        return [nn.functional.avg_pool2d(feature, 2) if _added_late(block) else feature for feature, block in levels]

    def twice(self, prepared: Any) -> list[torch.Tensor]:
        return [feature.repeat(2, 1, 1, 1) for feature in prepared]

    def predict(self, latents: torch.Tensor, t: torch.Tensor, context: torch.Tensor, prepared: Any) -> torch.Tensor:
        # The U-Net empties the list it is given.
        return self.unet(latents, t, context, down_intrablock_additional_residuals=list(prepared)).sample


def _added_late(block: nn.Module) -> bool:
    """diffusers adds a feature after the downsampling of a block that has no cross-attention; Stable Diffusion's only
    such block has no downsampling."""
    return not getattr(block, "has_cross_attention", False) and bool(block.downsamplers)


def build_adapter(base: Base, seed: int) -> AdapterMethod:
    """The full adapter of the Stable Diffusion branch: two residual blocks a level, pixel-unshuffle by the
    factor of the base model's autoencoder (8 with Stable Diffusion).

    On the base model's device; its initial weights are random and come from `seed`.
    """
    torch.manual_seed(seed)
    channels, device = list(base.unet.config.block_out_channels), base.unet.device
    shape = {"in_channels": 3, "channels": channels, "num_res_blocks": 2, "downscale_factor": 2**base.halvings}
    adapter = T2IAdapter(adapter_type="full_adapter", **shape)
    return AdapterMethod(base.unet, adapter.to(device).train(), base.scheduler.alphas_cumprod.to(device))
