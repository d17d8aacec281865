"""DINOv2's class token from the authors' own files, through timm."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import timm
import torch
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from bench.contracts import Network
from metrics.extractors._network import TorchNetwork
from metrics.extractors._resize import resized

SIDE, PATCH = 224, 14
OFFSET = 0.1
"""The authors' code adds it to the number of patches before it divides, against rounding."""


def open_tower(architecture: str, path: Path, device: str) -> Network:
    """The class token after the last norm, of images resized to 224 × 224."""
    network = load_network(architecture, path).to(device)
    mean, std = (
        torch.tensor(numbers, device=device).view(3, 1, 1) for numbers in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    )
    return TorchNetwork(
        lambda pixels: network((pixels.float() / 255 - mean) / std), device, partial(resized, size=SIDE)
    )


def load_network(architecture: str, path: Path) -> Any:
    """timm's network with the weights of `path`, loaded strictly, in evaluation mode. Only tensors are unpickled."""
    network = timm.create_model(architecture, pretrained=False, img_size=SIDE, num_classes=0)
    weights = torch.load(path, weights_only=True, map_location="cpu")
    # The mask token serves pretraining alone.
    del weights["mask_token"]
    weights["pos_embed"] = fewer_positions(weights["pos_embed"], SIDE // PATCH)
    network.load_state_dict(weights, strict=True)
    return network.eval().requires_grad_(False)


def fewer_positions(embedding: torch.Tensor, side: int) -> torch.Tensor:
    """Positions of the class token and of n × n patches, (1, 1 + n n, dim) -> (1, 1 + side side, dim).

    As in the authors' code: bicubic without antialias. timm's own resampling has antialias and gives other features.
    """
    token, patches = embedding[:, :1], embedding[:, 1:]
    before = round(patches.shape[1] ** 0.5)
    grid = patches.reshape(1, before, before, -1).permute(0, 3, 1, 2)
    scale = (side + OFFSET) / before
    grid = torch.nn.functional.interpolate(grid, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([token, grid.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)
