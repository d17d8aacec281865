"""The network of CTNet: a Mix Transformer, self-multiscale interaction, collection of the levels, contrast head."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, normalize

from segmenters.mmseg.mit_weights import from_authors
from segmenters.mmseg.mix_transformer import mix_transformer

CHANNELS = 32

# Beginning of a key in the released checkpoint -> ours. Names inside the parts are theirs.
PARTS = {
    "backbone.": "backbone.",
    "Translayer": "reduce.",
    "contrasthead.pro.": "projection.",
    "Smim.": "interact.",
    "cim.uper.": "collect.",
    "uper.": "enlarge.",
    "prediction.": "prediction.",
}


class CTNetNetwork(nn.Module):
    """Images (n, 3, h, w), sides multiples of 32 -> logits (n, 1, h, w) and pixel embedding (n, 32, h/4, w/4)."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        self.backbone = mix_transformer(variant)
        widths = [stage[2].normalized_shape[0] for stage in self.backbone.layers]
        self.reduce = nn.ModuleDict({str(level): _conv(width, 1) for level, width in enumerate(widths, 1)})
        self.projection = nn.Sequential(
            *(layer for _ in range(3) for layer in (_double(), nn.BatchNorm2d(CHANNELS), nn.ReLU())),
            nn.Conv2d(CHANNELS, CHANNELS, 1),
        )
        # One instance each, used at three levels.
        self.interact = SelfMultiscaleInteraction()
        self.collect = nn.Sequential(_double(), _conv(CHANNELS, 3))
        self.enlarge = nn.Sequential(_double(), _conv(CHANNELS, 3))
        self.prediction = nn.Sequential(_conv(CHANNELS, 3), nn.Conv2d(CHANNELS, 1, 1))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        fine, *coarse = (self.reduce[str(level)](x) for level, x in enumerate(self.backbone(images), 1))
        embedding = normalize(self.projection(coarse[-1]), dim=1)
        low, middle, high = (self.interact(x) for x in coarse)
        # The levels, the deepest first, are gathered in the shallowest.
        middle, low = self.collect(high) * middle + middle, self.collect(middle) * low + low
        gathered = self.collect(middle) * low + low
        logits = self.prediction(fine + self.enlarge(gathered))
        return interpolate(logits, scale_factor=4, mode="bilinear"), embedding


class SelfMultiscaleInteraction(nn.Module):
    """A full-size branch (h) and one of half size (l) that exchange their features twice; the input is added."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("h2l_0", "h2h_0", "h2h_1", "h2l_1", "l2h_1", "l2l_1", "h2h_2", "l2h_2"):
            self.add_module(name, nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1))
        for name in ("bnl_0", "bnh_0", "bnl_1", "bnh_1", "bnh_2"):
            self.add_module(name, nn.BatchNorm2d(CHANNELS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        def up(features: torch.Tensor) -> torch.Tensor:
            return interpolate(features, x.shape[2:], mode="bilinear")

        high = self.bnh_0(self.h2h_0(x)).relu()
        low = self.bnl_0(self.h2l_0(avg_pool2d(x, 2))).relu()
        high, low = (
            self.bnh_1(self.h2h_1(high) + self.l2h_1(up(low))).relu(),
            self.bnl_1(self.l2l_1(low) + self.h2l_1(avg_pool2d(high, 2))).relu(),
        )
        return self.bnh_2(self.h2h_2(high) + self.l2h_2(up(low))).relu() + x


def _conv(channels: int, kernel: int) -> nn.Module:
    """Convolution and normalisation; no activation follows (theirs is declared and never called)."""
    conv = nn.Conv2d(channels, CHANNELS, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(CHANNELS)))


def _double() -> nn.Module:
    return nn.ConvTranspose2d(CHANNELS, CHANNELS, 4, stride=2, padding=1)


def from_released(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The authors' checkpoint under our names; a key of no known part keeps its name."""
    pattern = re.compile("|".join(map(re.escape, PARTS)))
    split = [(pattern.match(name), name, value) for name, value in state.items()]
    renamed = {PARTS[found[0]] + name[found.end() :] if found else name: value for found, name, value in split}
    backbone = {
        name.removeprefix("backbone."): value for name, value in renamed.items() if name.startswith("backbone.")
    }
    others = {name: value for name, value in renamed.items() if not name.startswith("backbone.")}
    return {**{f"backbone.{name}": value for name, value in from_authors(backbone).items()}, **others}
