"""Random masks: training masks scaled, shifted, rotated and flipped.

The paper samples from such masks; its authors say that they flip, scale and shift and do not rotate, and publish
no ranges. An image keeps its id and prompt; its transformation depends on (seed, id) alone.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from bench.contracts import Split
from bench.images import load_mask, save_png
from bench.plugins.sections import RandomMasks

VERSION = 3
"""Raised when random masks of the same seed come out otherwise."""
KEPT = 0.5
"""A transformed lesion keeps at least this share of its scaled area inside the image, else it is drawn again."""
TRIES = 20


def _matrix(rng: np.random.Generator, width: int, height: int, ranges: RandomMasks) -> tuple[np.ndarray, float]:
    """Output point -> input point, (2, 3), about the image's centre; and the scale that was drawn.

    Pillow's points have pixel centres at halves, so the image's centre is half of its size.
    """
    scale = rng.uniform(ranges.scale_low, ranges.scale_high)
    angle = np.deg2rad(rng.uniform(-ranges.rotation, ranges.rotation))
    shift = rng.uniform(-ranges.shift, ranges.shift, 2) * (width, height)
    flip = np.diag(np.where(rng.random(2) < ranges.flip, -1.0, 1.0))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inverse = np.linalg.inv(scale * rotation @ flip)
    centre = np.array([width / 2, height / 2])
    return np.column_stack([inverse, centre - inverse @ (centre + shift)]), scale


def random_mask(mask: np.ndarray, rng: np.random.Generator, ranges: RandomMasks) -> np.ndarray:
    """uint8 (h, w) in {0, 1} -> the same; never empty when the input is not.

    A draw that pushes more than half of the lesion out of the image is repeated; after 20 of them the mask is only
    flipped, or stays as it is where it may not be flipped.
    """
    height, width = mask.shape
    for _ in range(TRIES):
        matrix, scale = _matrix(rng, width, height, ranges)
        picture = Image.fromarray(mask).transform(
            (width, height), Image.Transform.AFFINE, tuple(matrix.ravel()), Image.Resampling.NEAREST
        )
        moved = np.asarray(picture)
        if moved.any() and moved.sum() >= KEPT * scale**2 * mask.sum():
            return moved
    return mask[:, ::-1].copy() if ranges.flip else mask.copy()


def write_random_masks(train: Split, out: Path, seed: int, ranges: RandomMasks) -> Split:
    """Write `out/<id>.png` (0 and 255) for every pair; the returned samples point at them."""
    conditions = []
    for sample in train:
        rng = np.random.default_rng([seed, zlib.crc32(sample.id.encode())])
        path = out / f"{sample.id}.png"
        save_png(path, random_mask(load_mask(sample.mask), rng, ranges) * 255)
        conditions.append(replace(sample, mask=path, moved=True))
    return tuple(conditions)
