"""Backbones of timm, of which narrower and shallower ones can be made."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contracts import param
from bench.errors import BenchError
from segmenters.weights.params import PretrainedParams

FULL = (64, "3,4,6,3")
"""Width and blocks of the backbones as published; no other has ImageNet weights."""


@dataclass(frozen=True)
class TimmParams(PretrainedParams):
    """The backbone's shape."""

    width: int = param(FULL[0], "channels of the first stage; 64 as published", low=8, high=256)
    blocks: str = param(FULL[1], "blocks of the four stages", choices=(FULL[1], "1,1,1,1"))

    @property
    def depths(self) -> tuple[int, ...]:
        """`blocks` as numbers."""
        return tuple(int(part) for part in self.blocks.split(","))


def refuse_unpublished_shape(p: TimmParams, name: str) -> None:
    """BenchError for a backbone that shall start from weights which none were published of; `name` is the plugin's."""
    if p.pretrained and not p.weights and (p.width, p.blocks) != FULL:
        raise BenchError(
            f"{name}.width={p.width}, blocks={p.blocks}: no ImageNet weights fit such a backbone; leave them at "
            f"{FULL[0]} and {FULL[1]}, or train from scratch with --set {name}.pretrained=false"
        )
