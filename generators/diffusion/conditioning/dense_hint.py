"""Dense Hint Input: the residual, patch-merging encoder in place of ControlNet's hint block.

Source: Qiu et al., Noise-Consistent Siamese-Diffusion, CVPR 2025, and its authors' code.
"""

from __future__ import annotations

import torch
from torch import nn


class ResidualBlock(nn.Module):
    """conv3×3 – SiLU – conv3×3, + identity, SiLU; no normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.conv2(nn.functional.silu(self.conv1(x)))
        # In place: nothing else needs the convolution's output, and no new memory is touched.
        return nn.functional.silu(inner.add_(x))


class PatchMerge(nn.Module):
    """2×2 space to depth, LayerNorm, Linear 4C -> 2C with bias (Swin's has none); halves height and width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # The four pixels in Swin's order, which is the checkpoints': top-left, bottom-left, top-right, bottom-right.
        pixels = x.permute(0, 2, 3, 1).unflatten(2, (-1, 2)).unflatten(1, (-1, 2))
        merged = pixels.permute(0, 1, 3, 4, 2, 5).flatten(3)
        return self.reduction(self.norm(merged)).permute(0, 3, 1, 2)


class DenseHintTrunk(nn.Module):
    """Hint (n, 3, h, w) in [0, 1] -> (n, first · 2^(k+1), h/2^k, w/2^k), k the `halvings`.

    The authors' has first = 16 and k = 3, 2,526,272 parameters; names are those of the checkpoints. The plain
    convolutions between blocks have no activation.
    """

    def __init__(self, first: int, halvings: int) -> None:
        super().__init__()
        self.halvings = halvings
        self.initial_conv = nn.Conv2d(3, first, 3, padding=1)
        self.layer1 = ResidualBlock(first)
        self.conv_before_res2 = nn.Conv2d(first, 2 * first, 3, padding=1)
        self.layer2 = ResidualBlock(2 * first)
        for number in range(1, halvings + 1):
            width = first * 2 ** (number + 1)
            self.add_module(f"patch_merge{number}", PatchMerge(width // 2))
            self.add_module(f"conv_before_res{number + 2}", nn.Conv2d(width, width, 3, padding=1))
            self.add_module(f"layer{number + 2}", ResidualBlock(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) -> (n, first · 2^(k+1), h/2^k, w/2^k)."""
        # Channels last: patch merging then copies once, and the convolutions are faster on a processor.
        x = self.layer1(self.initial_conv(x.contiguous(memory_format=torch.channels_last)))
        x = self.layer2(self.conv_before_res2(x))
        for number in range(1, self.halvings + 1):
            x = self.get_submodule(f"patch_merge{number}")(x)
            x = self.get_submodule(f"conv_before_res{number + 2}")(x)
            x = self.get_submodule(f"layer{number + 2}")(x)
        return x


class DenseHintInput(nn.Module):
    """The trunk and the zero-initialised convolution to the U-Net's first width."""

    def __init__(self, width: int, *, first: int = 16, halvings: int = 3) -> None:
        super().__init__()
        self.trunk = DenseHintTrunk(first, halvings)
        self.zero = nn.Conv2d(first * 2 ** (halvings + 1), width, 3, padding=1)
        nn.init.zeros_(self.zero.weight)
        nn.init.zeros_(self.zero.bias)

    def forward(self, hint: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) in [0, 1] -> (n, width, h/2^k, w/2^k)."""
        return self.zero(self.trunk(hint)).contiguous()
