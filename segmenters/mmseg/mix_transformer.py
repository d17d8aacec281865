"""Mix Transformers (MiT) of mmsegmentation, and the names their authors gave to the same weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch

from segmenters.networks.mmsegmentation import build, find_configuration, read_model

# The authors' part of a stage -> its place in mmsegmentation's list, and the names inside it.
PLACES = {"patch_embed": 0, "block": 1, "norm": 2}
NAMES = {
    "attn.q.": "attn.attn.in_proj_",
    "attn.proj.": "attn.attn.out_proj.",
    "mlp.fc1.": "ffn.layers.0.",
    "mlp.dwconv.dwconv.": "ffn.layers.1.",
    "mlp.fc2.": "ffn.layers.4.",
}


def published_segformer(variant: str) -> Any:
    """The model of mmsegmentation's own configuration of SegFormer, with two classes."""
    return read_model(find_configuration(f"segformer/segformer_mit-{variant}_8xb2-160k_ade20k-512x512.py"))


def mix_transformer(variant: str) -> torch.nn.Module:
    """The backbone alone: images -> features at strides 4, 8, 16 and 32."""
    backbone = build(published_segformer(variant)).backbone
    assert isinstance(backbone, torch.nn.Module)
    return backbone


def from_authors(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of an MiT under mmsegmentation's names; those that have them already stay as they are."""
    renamed = {}
    for name, value in state.items():
        if ".attn.kv." in name:
            continue
        pair = state.get(name.replace(".attn.q.", ".attn.kv."))
        if ".attn.q." in name and pair is not None:
            # Query, key and value are one tensor there.
            value = torch.cat([value, pair])
        if re.search(r"\.mlp\.fc[12]\.weight$", name):
            # Linear layers are 1 × 1 convolutions there.
            value = value[..., None, None]
        renamed[_renamed(name)] = value
    return renamed


def _renamed(name: str) -> str:
    found = re.match(r"(patch_embed|block|norm)(\d)\.(.*)", name)
    if found is None:
        return name
    part, stage, rest = found.groups()
    if part == "patch_embed":
        rest = rest.replace("proj.", "projection.")
    for theirs, ours in NAMES.items():
        rest = rest.replace(theirs, ours)
    return f"layers.{int(stage) - 1}.{PLACES[part]}.{rest}"
