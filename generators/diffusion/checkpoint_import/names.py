"""Where each parameter of our modules lies in a checkpoint of the original latent-diffusion layout.

Maps run from our names to the checkpoint's, so that whatever a file lacks or has too much is told in its own names.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from generators.denoising.guided_names import guided_name, renamed

UNET = "model.diffusion_model."
CONTROL = "control_model."
VAE = "first_stage_model."
TEXT = "cond_stage_model.transformer.text_model."

_HINT = {"trunk": "0", "zero": "1", "conv_in": "0", "conv_out": "14"}
_VAE = {
    "conv_norm_out": "norm_out",
    "conv_shortcut": "nin_shortcut",
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}

Names = dict[str, str]
"""Key in the checkpoint -> key in the module's state, for every entry of that state."""


def unet_names(unet: Any) -> Names:
    """Of diffusers' `UNet2DConditionModel`."""
    return {UNET + _unet_name(name, unet): name for name in unet.state_dict()}


def control_names(controlnet: Any) -> Names:
    """With Dense Hint Input or ControlNet's own hint block, as the module has it."""
    return {CONTROL + _unet_name(name, controlnet): name for name in controlnet.state_dict()}


def vae_names(vae: Any) -> Names:
    """The checkpoint keeps the attention's projections as 1×1 convolutions."""
    return {VAE + _vae_name(name, len(vae.config.block_out_channels)): name for name in vae.state_dict()}


def text_names(text_encoder: nn.Module) -> Names:
    """Of transformers' `CLIPTextModel`."""
    # Versions of transformers differ in whether the module's own names begin with "text_model.".
    return {TEXT + name.removeprefix("text_model."): name for name in text_encoder.state_dict()}


def _unet_name(name: str, net: Any) -> str:
    match name.split("."):
        case ["controlnet_mid_block", end]:
            return f"middle_block_out.0.{end}"
        case ["controlnet_down_blocks", number, end]:
            return f"zero_convs.{number}.0.{end}"
        case ["controlnet_cond_embedding", "blocks", number, end]:
            return f"input_hint_block.{2 * int(number) + 2}.{end}"
        case ["controlnet_cond_embedding", part, *rest]:
            return f"input_hint_block.{_HINT[part]}.{'.'.join(rest)}"
    return guided_name(name, net)


def _vae_name(name: str, levels: int) -> str:
    """The checkpoint counts the decoder's levels from the output."""
    match name.split("."):
        case [side, "mid_block", "resnets", number, *rest]:
            return f"{side}.mid.block_{int(number) + 1}.{renamed(rest, _VAE)}"
        case [side, "mid_block", "attentions", "0", *rest]:
            return f"{side}.mid.attn_1.{renamed(rest, _VAE)}"
        case [side, "down_blocks", level, "resnets", number, *rest]:
            return f"{side}.down.{level}.block.{number}.{renamed(rest, _VAE)}"
        case [side, "up_blocks", level, "resnets", number, *rest]:
            return f"{side}.up.{levels - 1 - int(level)}.block.{number}.{renamed(rest, _VAE)}"
        case [side, "down_blocks", level, "downsamplers", "0", *rest]:
            return f"{side}.down.{level}.downsample.{'.'.join(rest)}"
        case [side, "up_blocks", level, "upsamplers", "0", *rest]:
            return f"{side}.up.{levels - 1 - int(level)}.upsample.{'.'.join(rest)}"
        case [*head, last, end]:
            return ".".join([*head, _VAE.get(last, last), end])
    raise KeyError(name)
