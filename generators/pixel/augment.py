"""What is done to a training pair, image and mask alike, each time it is drawn."""

from __future__ import annotations

import math

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as change

DEGREES, SCALE, RATIO, TRIES = 45.0, (0.8, 1.2), (3 / 4, 4 / 3), 10


def turn_and_crop(pair: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """(4, h, w) in [-1, 1]: turned by up to 45 degrees, cropped, and half of the time flipped (Polyp-DDPM).

    What turns in from outside is black, and background in the mask. The mask's border is soft where it was resized.
    """
    turned = change.rotate(pair, rng.uniform(-DEGREES, DEGREES), InterpolationMode.NEAREST, fill=[-1.0])
    height, width = pair.shape[1:]
    top, left, h, w = crop_of(height, width, rng)
    cropped = change.crop(turned, top, left, h, w)
    resized = change.resize(cropped, [height, width], InterpolationMode.BILINEAR, antialias=True)
    return resized.flip(-1) if rng.random() < 0.5 else resized


def crop_of(height: int, width: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """(top, left, height, width) as torchvision draws them: a share of the area and an aspect, until one fits; after
    ten tries the largest crop in the middle with an aspect that is allowed."""
    for _ in range(TRIES):
        area = height * width * rng.uniform(*SCALE)
        aspect = math.exp(rng.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1)), h, w
    aspect = min(max(width / height, RATIO[0]), RATIO[1])
    w, h = min(width, round(height * aspect)), min(height, round(width / aspect))
    return (height - h) // 2, (width - w) // 2, h, w
