"""The U-Net cut into its frozen encoder and its trainable decoder, and the ControlNet between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from torch import nn

from generators.diffusion.conditioning.dense_hint import DenseHintInput

Controls = tuple[torch.Tensor, ...]
"""Residuals of a ControlNet: one for each skip connection of the U-Net, then the middle's."""


@dataclass(frozen=True)
class Encoded:
    """What the decoder needs from the encoder for noisy latents at t; nothing in it depends on a control."""

    middle: torch.Tensor
    skips: Controls
    time: torch.Tensor
    context: torch.Tensor


def encode(unet: UNet2DConditionModel, latents: torch.Tensor, t: torch.Tensor, context: torch.Tensor) -> Encoded:
    """Encoder and middle of the U-Net, without gradient: they are frozen.

    `latents` (n, c, h, w) with noise, `t` int64 (n,), `context` (n, tokens, width).
    """
    with torch.no_grad():
        return _encode(unet, latents, t, context)


def _encode(
    net: UNet2DConditionModel | ControlNetModel,
    latents: torch.Tensor,
    t: torch.Tensor,
    context: torch.Tensor,
    features: torch.Tensor | None = None,
) -> Encoded:
    """The encoder that U-Net and ControlNet have alike; `features` of a hint are added to the first convolution's."""
    time = net.time_embedding(net.time_proj(t).to(latents.dtype))
    hidden = net.conv_in(latents)
    if features is not None:
        hidden = hidden + features
    skips: Controls = (hidden,)
    for block in net.down_blocks:
        if getattr(block, "has_cross_attention", False):
            hidden, new = block(hidden_states=hidden, temb=time, encoder_hidden_states=context)
        else:
            hidden, new = block(hidden_states=hidden, temb=time)
        skips += tuple(new)
    return Encoded(net.mid_block(hidden, time, encoder_hidden_states=context), skips, time, context)


class Decoder(nn.Module):
    """Up blocks and output of a U-Net, sharing its parameters: encoder's features + controls -> predicted noise."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.up_blocks = unet.up_blocks
        self.conv_norm_out = unet.conv_norm_out
        self.conv_out = unet.conv_out

    def forward(self, encoded: Encoded, controls: Sequence[torch.Tensor]) -> torch.Tensor:
        """Noise (n, c, h, w); `controls` are added to the skip connections and, the last one, to the middle."""
        *residuals, middle = controls
        hidden = encoded.middle + middle
        skips = tuple(skip + residual for skip, residual in zip(encoded.skips, residuals, strict=True))
        for block in self.up_blocks:
            count = len(block.resnets)
            skips, own = skips[:-count], skips[-count:]
            inputs: dict[str, Any] = {"hidden_states": hidden, "temb": encoded.time, "res_hidden_states_tuple": own}
            if getattr(block, "has_cross_attention", False):
                inputs["encoder_hidden_states"] = encoded.context
            hidden = block(**inputs)
        return self.conv_out(nn.functional.silu(self.conv_norm_out(hidden)))


PUBLISHED_WIDTH = 320
"""Of Stable Diffusion's U-Net, beside which the hint blocks have the channels that were published."""
OWN_HINT = (16, 32, 96, 256)
"""Channels of ControlNet's own hint block at 1, 1/2, 1/4 and 1/8 of the image's size."""


def build_controlnet(
    unet: UNet2DConditionModel,
    *,
    dense_hint: bool,
    halvings: int = 3,
    hint_channels: int = 3,
    published_hint: bool = False,
) -> ControlNetModel:
    """Encoder and middle copied from the U-Net; the hint block is Dense Hint Input or ControlNet's own.

    A hint is `halvings` times halved, as the base model's autoencoder halves an image. Beside a narrower U-Net than
    Stable Diffusion's the hint block is narrower in proportion: with the published channels it would be most of the
    work. `published_hint` keeps those channels beside any U-Net, as authors' checkpoints have them.
    """
    width = unet.config.block_out_channels[0]
    beside = PUBLISHED_WIDTH if published_hint else width
    own = [_in_proportion(channels, beside) for channels in (*OWN_HINT[:halvings], OWN_HINT[-1])]
    controlnet = ControlNetModel.from_unet(
        unet, conditioning_embedding_out_channels=own, conditioning_channels=hint_channels
    )
    if dense_hint:
        first = _in_proportion(16, beside)
        controlnet.controlnet_cond_embedding = DenseHintInput(width, first=first, halvings=halvings)
    return controlnet


def _in_proportion(channels: int, width: int) -> int:
    """A published number of channels beside a U-Net of first width `width`: a multiple of 4."""
    return 4 * max(1, round(channels * width / PUBLISHED_WIDTH / 4))


def hint_features(controlnet: ControlNetModel, hint: torch.Tensor) -> torch.Tensor:
    """Hints (n, 3, fh, fw) in [0, 1] -> (n, width, h, w), f the factor of the base model's autoencoder.

    They depend on neither latents nor t: needed once a hint.
    """
    return controlnet.controlnet_cond_embedding(hint)


def run_controlnet(
    controlnet: ControlNetModel, latents: torch.Tensor, t: torch.Tensor, context: torch.Tensor, features: torch.Tensor
) -> Controls:
    """All residuals, after the zero convolutions; `features` are those of `hint_features`."""
    encoded = _encode(controlnet, latents, t, context, features)
    down = (zero(skip) for zero, skip in zip(controlnet.controlnet_down_blocks, encoded.skips, strict=True))
    return (*down, controlnet.controlnet_mid_block(encoded.middle))
