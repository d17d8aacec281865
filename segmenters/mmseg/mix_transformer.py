"""Mix Transformers (MiT) of mmsegmentation, and the SegFormers on them."""

from __future__ import annotations

from typing import Any

import torch

from segmenters.mmseg.configuration import build, find_configuration, read_model


def published_segformer(variant: str) -> Any:
    """The model of mmsegmentation's own configuration of SegFormer, with two classes."""
    return read_model(find_configuration(f"segformer/segformer_mit-{variant}_8xb2-160k_ade20k-512x512.py"))


def mix_transformer(variant: str) -> torch.nn.Module:
    """The backbone alone: images -> features at strides 4, 8, 16 and 32."""
    backbone = build(published_segformer(variant)).backbone
    assert isinstance(backbone, torch.nn.Module)
    return backbone
