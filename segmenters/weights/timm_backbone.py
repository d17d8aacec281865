"""Segmenters on a backbone of timm, of which narrower and shallower ones can be made."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contracts import param
from bench.errors import BenchError
from segmenters._pretrained import PretrainedParams, PretrainedSegmenter

FULL = (64, "3,4,6,3")
"""Width and blocks of the backbones as published; no other has ImageNet weights."""


@dataclass(frozen=True)
class TimmParams(PretrainedParams):
    """The backbone's shape."""

    width: int = param(FULL[0], "channels of the first stage; 64 as published", low=8, high=256)
    blocks: str = param(FULL[1], "blocks of the four stages", choices=(FULL[1], "1,1,1,1"))


class TimmSegmenter(PretrainedSegmenter):
    """Its files of ImageNet weights are timm's."""

    requires = ("torch", "timm", "safetensors")

    @property
    def _blocks(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.params.blocks.split(","))

    def check_params(self, devices: int) -> None:
        super().check_params(devices)
        p, name = self.params, self.plugin_name
        if p.pretrained and not p.weights and (p.width, p.blocks) != FULL:
            raise BenchError(
                f"{name}.width={p.width}, blocks={p.blocks}: no ImageNet weights fit such a backbone; leave them at "
                f"{FULL[0]} and {FULL[1]}, or train from scratch with --set {name}.pretrained=false"
            )
