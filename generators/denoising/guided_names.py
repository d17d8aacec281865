"""Where the parameters of diffusers' U-Nets lie in the U-Net of guided diffusion, whose names many checkpoints keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_SLOT = {"resnets": 0, "attentions": 1}
_OUTSIDE = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def guided_name(name: str, net: Any, inside: Mapping[str, str] = RESNET) -> str:
    """The encoder's blocks are counted through all levels, its samplers among them.

    `inside` renames what lies within a block; KeyError for a name that is not of a U-Net.
    """
    a_level = net.config.layers_per_block + 1
    match name.split("."):
        case ["down_blocks", level, "downsamplers", "0", *rest]:
            return f"input_blocks.{(int(level) + 1) * a_level}.0.{renamed(rest, {'conv': 'op', **inside})}"
        case ["down_blocks", level, kind, layer, *rest]:
            return f"input_blocks.{int(level) * a_level + int(layer) + 1}.{_SLOT[kind]}.{renamed(rest, inside)}"
        case ["mid_block", kind, layer, *rest]:
            return f"middle_block.{2 * int(layer) + _SLOT[kind]}.{renamed(rest, inside)}"
        case ["up_blocks", level, "upsamplers", "0", *rest]:
            slot = 2 if hasattr(net.up_blocks[int(level)], "attentions") else 1
            return f"output_blocks.{(int(level) + 1) * a_level - 1}.{slot}.{renamed(rest, inside)}"
        case ["up_blocks", level, kind, layer, *rest]:
            return f"output_blocks.{int(level) * a_level + int(layer)}.{_SLOT[kind]}.{renamed(rest, inside)}"
        case [*head, end]:
            return f"{_OUTSIDE['.'.join(head)]}.{end}"
    raise KeyError(name)


def renamed(rest: Sequence[str], names: Mapping[str, str]) -> str:
    """The parts of a name, all but the last looked up together."""
    *head, end = rest
    inner = ".".join(head)
    return f"{names.get(inner, inner)}.{end}"
