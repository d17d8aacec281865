"""Which images may be flipped and turned views of others, told by thumbnails, whose eight views cost nothing."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bench.contracts import ImageSet, Space
from bench.images import VIEWS, rotate

SIDE = 16
FAINT = 1.0
"""Length, in grey levels, of a thumbnail about its mean below which rounding would decide what it looks like."""


def thumbnails(images: ImageSet, space: Space) -> np.ndarray:
    """float32 (n, side, side) of the grey images, about their mean and of length 1: brightness and contrast do not
    count. A view of an image has the same view of its thumbnail, to rounding."""
    assert space.pixels is not None
    return np.stack([thumbnail(space.pixels(sample)) for sample in images.samples])


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """Of uint8 (h, w, 3)."""
    # Shrunk in floats and by a filter that is the same from either side: a flip changes rounding alone.
    grey = Image.fromarray(np.ascontiguousarray(pixels)).convert("L").convert("F")
    small = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    away = small - small.mean()
    return away / max(float(np.linalg.norm(away)), FAINT)


def in_all_views(small: np.ndarray) -> np.ndarray:
    """Thumbnails (n, side, side) as vectors (8, n, d), one block for each of `VIEWS`."""
    return np.stack([[rotate(one, view).ravel() for one in small] for view in range(len(VIEWS))])
