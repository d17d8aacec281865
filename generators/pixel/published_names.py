"""Where each parameter of our U-Nets lies in the checkpoints of the authors, who took guided diffusion's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from generators.denoising.guided_names import RESNET, guided_name

_ATTENTION = {"group_norm": "norm", "to_q": "qkv", "to_k": "qkv", "to_v": "qkv", "to_out.0": "proj_out"}
_THIRDS = {"to_q": 0, "to_k": 1, "to_v": 2}
_INSIDE = {**RESNET, **_ATTENTION}
_NORMS = {"norm1": "in_norm", "norm2": "out_norm"}
_WITHIN = {"shared": "mlp_shared.0", "gamma": "mlp_gamma", "beta": "mlp_beta"}
_SPADE = {f"{own}.{part}": f"{name}.{inner}" for own, name in _NORMS.items() for part, inner in _WITHIN.items()}
_SPADE_INSIDE = {**_INSIDE, **_SPADE, "conv1": "in_layers.1", "conv2": "out_layers.2"}
"""Beside a SPADE norm, which has a name of its own, the layers that follow are counted from it."""


@dataclass(frozen=True)
class Place:
    """A key of the checkpoint; of queries, keys and values, which lie there in one tensor, which third (-1: all)."""

    key: str
    third: int = -1


def places(unet: Any) -> dict[str, Place]:
    """Own key -> where it lies, for every entry of the U-Net's state."""
    spade = {name.rsplit(".norm1.shared", 1)[0] for name in unet.state_dict() if ".norm1.shared." in name}
    return {name: _place(name, unet, spade) for name in unet.state_dict()}


def _place(name: str, unet: Any, spade: set[str]) -> Place:
    inside = _SPADE_INSIDE if any(name.startswith(f"{block}.") for block in spade) else _INSIDE
    return Place(guided_name(name, unet, inside), _THIRDS.get(name.split(".")[-2], -1))


def from_published(state: Mapping[str, torch.Tensor], where: Mapping[str, Place], head: int) -> dict[str, torch.Tensor]:
    """Our state. Of the authors' attention the channels are those of each head in turn, `head` of each (0: one head):
    its queries, keys and values."""
    return {name: _taken(state[place.key], place.third, head) for name, place in where.items()}


def _taken(tensor: torch.Tensor, third: int, head: int) -> torch.Tensor:
    if third >= 0:
        channels = tensor.shape[0] // 3
        heads = channels // head if head else 1
        tensor = tensor.reshape(heads, 3, -1, *tensor.shape[1:])[:, third].reshape(channels, *tensor.shape[1:])
    # Their attention's projections are convolutions over one dimension, of a kernel of one.
    return tensor[..., 0] if tensor.ndim == 3 else tensor
