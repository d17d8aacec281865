"""Where each parameter of our modules lies in a checkpoint of the original latent-diffusion layout.

Maps run from our names to the checkpoint's, so that whatever a file lacks or has too much is told in its own names.
"""

from __future__ import annotations

from typing import Any

from torch import nn

UNET = "model.diffusion_model."
CONTROL = "control_model."
VAE = "first_stage_model."
TEXT = "cond_stage_model.transformer.text_model."

_SLOT = {"resnets": 0, "attentions": 1}
_OUTSIDE = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "controlnet_mid_block": "middle_block_out.0",
}
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
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
    """The encoder's blocks are counted through all levels, its samplers among them."""
    a_level = net.config.layers_per_block + 1
    match name.split("."):
        case ["down_blocks", level, "downsamplers", "0", "conv", end]:
            return f"input_blocks.{(int(level) + 1) * a_level}.0.op.{end}"
        case ["down_blocks", level, kind, layer, *rest]:
            return f"input_blocks.{int(level) * a_level + int(layer) + 1}.{_SLOT[kind]}.{_inside(rest, _RESNET)}"
        case ["mid_block", kind, layer, *rest]:
            return f"middle_block.{2 * int(layer) + _SLOT[kind]}.{_inside(rest, _RESNET)}"
        case ["up_blocks", level, "upsamplers", "0", "conv", end]:
            slot = 2 if getattr(net.up_blocks[int(level)], "has_cross_attention", False) else 1
            return f"output_blocks.{(int(level) + 1) * a_level - 1}.{slot}.conv.{end}"
        case ["up_blocks", level, kind, layer, *rest]:
            return f"output_blocks.{int(level) * a_level + int(layer)}.{_SLOT[kind]}.{_inside(rest, _RESNET)}"
        case ["controlnet_down_blocks", number, end]:
            return f"zero_convs.{number}.0.{end}"
        case ["controlnet_cond_embedding", "blocks", number, end]:
            return f"input_hint_block.{2 * int(number) + 2}.{end}"
        case ["controlnet_cond_embedding", part, *rest]:
            return f"input_hint_block.{_HINT[part]}.{'.'.join(rest)}"
        case [*head, end]:
            return f"{_OUTSIDE['.'.join(head)]}.{end}"
    raise KeyError(name)


def _vae_name(name: str, levels: int) -> str:
    """The checkpoint counts the decoder's levels from the output."""
    match name.split("."):
        case [side, "mid_block", "resnets", number, *rest]:
            return f"{side}.mid.block_{int(number) + 1}.{_inside(rest, _VAE)}"
        case [side, "mid_block", "attentions", "0", *rest]:
            return f"{side}.mid.attn_1.{_inside(rest, _VAE)}"
        case [side, "down_blocks", level, "resnets", number, *rest]:
            return f"{side}.down.{level}.block.{number}.{_inside(rest, _VAE)}"
        case [side, "up_blocks", level, "resnets", number, *rest]:
            return f"{side}.up.{levels - 1 - int(level)}.block.{number}.{_inside(rest, _VAE)}"
        case [side, "down_blocks", level, "downsamplers", "0", *rest]:
            return f"{side}.down.{level}.downsample.{'.'.join(rest)}"
        case [side, "up_blocks", level, "upsamplers", "0", *rest]:
            return f"{side}.up.{levels - 1 - int(level)}.upsample.{'.'.join(rest)}"
        case [*head, last, end]:
            return ".".join([*head, _VAE.get(last, last), end])
    raise KeyError(name)


def _inside(rest: list[str], names: dict[str, str]) -> str:
    *head, end = rest
    inner = ".".join(head)
    return f"{names.get(inner, inner)}.{end}"
