"""Polyp-PVT (Dong et al., CAAI AIR 2023): PVTv2-B2, a cascade of its deep stages, and its first stage as the border."""

from __future__ import annotations

import re
from collections.abc import Sequence

import timm
import torch
from torch import nn
from torch.nn.functional import interpolate

BRANCH = 32
STATES = 16
ANCHORS = 4


class PolypPVTNetwork(nn.Module):
    """Entries as in the released checkpoints but for the backbone, which is timm's `pvt_v2_b2` (`own_name`).

    `width`: channels of the first stage, 64 as published (25,107,604 parameters); `blocks`: of the four stages.
    """

    def __init__(self, width: int = 64, blocks: Sequence[int] = (3, 4, 6, 3), drop_path: float = 0.1) -> None:
        super().__init__()
        channels = tuple(width * heads for heads in (1, 2, 5, 8))
        self.backbone = timm.create_model(
            "pvt_v2_b2", num_classes=0, depths=tuple(blocks), embed_dims=channels, drop_path_rate=drop_path
        )
        self.Translayer2_0, self.Translayer2_1, self.Translayer3_1, self.Translayer4_1 = (
            ConvNorm(number, BRANCH, 1) for number in channels
        )
        self.CFM = Cascade(BRANCH)
        self.ca, self.sa = ChannelAttention(width), SpatialAttention()
        self.SAM = SimilarityAggregation(BRANCH)
        self.out_SAM, self.out_CFM = nn.Conv2d(BRANCH, 1, 1), nn.Conv2d(BRANCH, 1, 1)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 3, h, w), sides divisible by 32 -> logits of the cascade and of the aggregation, both (n, 1, h, w)."""
        x, levels = self.backbone.patch_embed(images), []
        for stage in self.backbone.stages:
            x = stage(x)
            levels.append(x)
        # At strides 4, 8, 16 and 32.
        first, second, third, fourth = levels
        first = first * self.ca(first)
        border = self.Translayer2_0(first * self.sa(first))
        lesion = self.CFM(self.Translayer4_1(fourth), self.Translayer3_1(third), self.Translayer2_1(second))
        border = interpolate(border, lesion.shape[2:], mode="bilinear", align_corners=True)
        coarse, fine = self.out_CFM(lesion), self.out_SAM(self.SAM(lesion, border))
        return tuple(interpolate(x, scale_factor=8, mode="bilinear", align_corners=False) for x in (coarse, fine))


class ConvNorm(nn.Module):
    """Convolution and batch normalisation; the published code declares a ReLU behind them and never applies it."""

    def __init__(self, into: int, out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.bn(self.conv(x))


class Cascade(nn.Module):
    """Cascaded fusion module: each shallower stage is multiplied by the deeper ones, then joined with them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_upsample1, self.conv_upsample2 = ConvNorm(width, width, 3), ConvNorm(width, width, 3)
        self.conv_upsample3, self.conv_upsample4 = ConvNorm(width, width, 3), ConvNorm(width, width, 3)
        self.conv_upsample5, self.conv_concat2 = ConvNorm(2 * width, 2 * width, 3), ConvNorm(2 * width, 2 * width, 3)
        self.conv_concat3, self.conv4 = ConvNorm(3 * width, 3 * width, 3), ConvNorm(3 * width, width, 3)

    def forward(self, deep: torch.Tensor, middle: torch.Tensor, shallow: torch.Tensor) -> torch.Tensor:
        """Three stages, each twice as wide and high as the one before -> as large as the last."""
        deep_twice = _double(deep)
        joined = torch.cat([self.conv_upsample1(deep_twice) * middle, self.conv_upsample4(deep_twice)], 1)
        joined = self.conv_concat2(joined)
        product = self.conv_upsample2(_double(deep_twice)) * self.conv_upsample3(_double(middle)) * shallow
        product = torch.cat([product, self.conv_upsample5(_double(joined))], 1)
        return self.conv4(self.conv_concat3(product))


def _double(x: torch.Tensor) -> torch.Tensor:
    return interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


class ChannelAttention(nn.Module):
    """A factor in (0, 1) a channel, from its mean and its maximum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // 16, 1)
        self.fc1, self.fc2 = nn.Conv2d(channels, hidden, 1, bias=False), nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, highest = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        return (self._squeeze(mean) + self._squeeze(highest)).sigmoid()

    def _squeeze(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(self.fc1(x).relu())


class SpatialAttention(nn.Module):
    """A factor in (0, 1) a pixel, from mean and maximum over its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv1(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)).sigmoid()


class SimilarityAggregation(nn.Module):
    """Pixels are pooled into 4 × 4 anchors under the border's map, reasoned over as a graph, and handed back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_state, self.conv_proj = nn.Conv2d(channels, STATES, 1), nn.Conv2d(channels, STATES, 1)
        self.gcn = GraphConvolution(STATES, ANCHORS**2)
        self.conv_extend = nn.Conv2d(STATES, channels, 1, bias=False)

    def forward(self, x: torch.Tensor, border: torch.Tensor) -> torch.Tensor:
        """Both (n, c, h, w). Of the softmax over the border's channels the second is the map, as published."""
        share = border.softmax(1)[:, 1:2]
        state, projected = self.conv_state(x).flatten(2), self.conv_proj(x)
        # The outer ring of 6 × 6 cells is left out.
        cells = nn.functional.adaptive_avg_pool2d(projected * share, ANCHORS + 2)[:, :, 1:-1, 1:-1].flatten(2)
        belongs = (cells.transpose(1, 2) @ projected.flatten(2)).softmax(1)
        nodes = self.gcn(state @ belongs.transpose(1, 2))
        return x + self.conv_extend((nodes @ belongs).unflatten(2, x.shape[2:]))


class GraphConvolution(nn.Module):
    """Nodes exchange what they hold, less their own, then each mixes its states. (n, states, nodes) -> the same."""

    def __init__(self, states: int, nodes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(nodes, nodes, 1)
        self.conv2 = nn.Conv1d(states, states, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv2(self.conv1(x.transpose(1, 2)).transpose(1, 2) - x).relu()


_RENAMED = (
    (re.compile(r"^backbone\.patch_embed1\."), lambda _: "backbone.patch_embed."),
    (re.compile(r"^backbone\.patch_embed(\d)\."), lambda m: f"backbone.stages.{int(m[1]) - 1}.downsample."),
    (re.compile(r"^backbone\.block(\d)\."), lambda m: f"backbone.stages.{int(m[1]) - 1}.blocks."),
    (re.compile(r"^backbone\.norm(\d)\."), lambda m: f"backbone.stages.{int(m[1]) - 1}.norm."),
)


def own_name(entry: str) -> str:
    """What `PolypPVTNetwork` calls an entry of the released checkpoint: only the backbone's are named otherwise."""
    for pattern, new in _RENAMED:
        entry = pattern.sub(new, entry)
    return entry.replace(".mlp.dwconv.dwconv.", ".mlp.dwconv.")
