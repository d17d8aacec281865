"""Published weights of Mix Transformers (MiT), under the names of their authors or of mmsegmentation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bench.files.published import WebFile

if TYPE_CHECKING:
    import torch

_ADDRESS = "https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/mit_{}_20220624-{}.pth"
_DIGITS = {"b0": "7e0fe6dd", "b1": "02e5a6a1", "b2": "66e8bf70", "b3": "13b1141c", "b4": "d588d980", "b5": "658746d9"}
MIT: Mapping[str, WebFile] = {variant: WebFile(_ADDRESS.format(variant, digits)) for variant, digits in _DIGITS.items()}
"""As mmsegmentation publishes them and its configurations name them."""

# The authors' part of a stage -> its place in mmsegmentation's list, and the names inside it.
PLACES = {"patch_embed": 0, "block": 1, "norm": 2}
NAMES = {
    "attn.q.": "attn.attn.in_proj_",
    "attn.proj.": "attn.attn.out_proj.",
    "mlp.fc1.": "ffn.layers.0.",
    "mlp.dwconv.dwconv.": "ffn.layers.1.",
    "mlp.fc2.": "ffn.layers.4.",
}


def from_authors(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of an MiT under mmsegmentation's names; those that have them already stay as they are."""
    import torch

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
