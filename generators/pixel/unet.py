"""The U-Net of guided diffusion (Dhariwal and Nichol, 2021), made of diffusers' parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import UNet2DModel
from diffusers.models.embeddings import get_timestep_embedding
from torch import nn


@dataclass(frozen=True, kw_only=True)
class UnetShape:
    """`widths`: channels of each level; `attention`: whether a level has self-attention; `head`: channels of each head
    (0: one head)."""

    in_channels: int
    widths: tuple[int, ...]
    attention: tuple[bool, ...]
    head: int = 0


def build_plain(shape: UnetShape) -> UNet2DModel:
    """As `build_default`, with an embedding of the time whose longest period is 1000."""
    unet = build_default(shape)
    unet.time_proj = TimeWaves(shape.widths[0])
    return unet


def build_residual(shape: UnetShape) -> UNet2DModel:
    """Sampling by residual blocks; the time scales and shifts the features."""
    return _unet(
        shape,
        *("AttnDownBlock2D", "ResnetDownsampleBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"),
        downsample_type="resnet",
        upsample_type="resnet",
        resnet_time_scale_shift="scale_shift",
        # Of its own accord diffusers leaves the middle's attention without a norm here.
        attn_norm_num_groups=32,
    )


def build_default(shape: UnetShape) -> UNet2DModel:
    """Sampling by strided convolutions; the time is added to the features."""
    return _unet(shape, "AttnDownBlock2D", "DownBlock2D", "AttnUpBlock2D", "UpBlock2D")


def _unet(shape: UnetShape, down_with: str, down: str, up_with: str, up: str, **more: Any) -> UNet2DModel:
    attention = shape.attention
    return UNet2DModel(
        in_channels=shape.in_channels,
        out_channels=3,
        layers_per_block=2,
        block_out_channels=shape.widths,
        down_block_types=tuple(down_with if has else down for has in attention),
        up_block_types=tuple(up_with if has else up for has in reversed(attention)),
        attention_head_dim=shape.head or None,
        norm_eps=1e-5,
        **more,
    )


class TimeWaves(nn.Module):
    """t as cosines and sines, the longest of period 1000 (diffusers' own has 10,000)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, t: torch.Tensor) -> torch.Tensor:
        """int64 (n,) -> (n, channels)."""
        return get_timestep_embedding(t, self.channels, flip_sin_to_cos=True, downscale_freq_shift=0, max_period=1000)


def attended(size: int, levels: int, sides: Sequence[int]) -> tuple[bool, ...]:
    """At each level of so many, whether its map of a `size` px image has one of these sides."""
    return tuple(size // 2**level in sides for level in range(levels))
