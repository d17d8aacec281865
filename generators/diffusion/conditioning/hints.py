"""Masks and images of pairs as the tensors that steer the noise."""

from __future__ import annotations

import numpy as np
import torch

from bench.contracts import Split
from bench.images import load_mask, load_rgb


def image_hint(pixels: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255


def mask_hint(masks: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w) in {0, 1} -> float32 (n, 3, h, w): the mask in all three channels."""
    return torch.from_numpy(np.ascontiguousarray(masks)).float()[:, None].repeat(1, 3, 1, 1)


def load_hints(part: Split, size: int, image: bool, device: str) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Masks (n, 3, size, size), and the images of the pairs where the method looks at them, in [0, 1]."""
    masks = mask_hint(np.stack([load_mask(sample.mask, (size, size)) for sample in part])).to(device)
    if not image:
        return masks, None
    return masks, image_hint(np.stack([load_rgb(sample.image, (size, size)) for sample in part])).to(device)
