"""SANet (Wei et al., MICCAI 2021): Res2Net-50 v1b and three 1×1 branches, the deep ones as attention of the shallow."""

from __future__ import annotations

from collections.abc import Sequence

import timm
import torch
from torch import nn

BRANCH = 64


class SANetNetwork(nn.Module):
    """Entries as in the released checkpoints; timm's `res2net50d` is their backbone.

    `width`: channels of the first stage, 64 as published (23,899,497 parameters); `blocks`: of the four stages.
    """

    def __init__(self, width: int = 64, blocks: Sequence[int] = (3, 4, 6, 3)) -> None:
        super().__init__()
        channels = tuple(width * factor for factor in (1, 2, 4, 8))
        self.bkbone = timm.create_model(
            "res2net50d", num_classes=0, global_pool="", layers=tuple(blocks), channels=channels, stem_width=width // 2
        )
        self.linear5, self.linear4, self.linear3 = (
            nn.Sequential(nn.Conv2d(4 * channels[stage], BRANCH, 1), nn.BatchNorm2d(BRANCH), nn.ReLU())
            for stage in (3, 2, 1)
        )
        self.predict = nn.Conv2d(3 * BRANCH, 1, 1)
        for part in (self.linear5, self.linear4, self.linear3, self.predict):
            part.apply(_initialise)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) -> logits (n, 1, h/8, w/8)."""
        trunk = self.bkbone
        x = trunk.layer1(trunk.maxpool(trunk.act1(trunk.bn1(trunk.conv1(images)))))
        eighth = trunk.layer2(x)
        sixteenth = trunk.layer3(eighth)
        shallow, middle, deep = self.linear3(eighth), self.linear4(sixteenth), self.linear5(trunk.layer4(sixteenth))
        size = shallow.shape[2:]
        middle, deep = (nn.functional.interpolate(x, size, mode="bilinear", align_corners=True) for x in (middle, deep))
        attended = deep * middle
        return self.predict(torch.cat([deep, attended, attended * shallow], 1))


def _initialise(part: nn.Module) -> None:
    """As published: He's normal distribution by fan-in, no bias."""
    if isinstance(part, nn.Conv2d):
        nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        nn.init.zeros_(part.bias)
