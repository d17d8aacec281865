"""Any image to a square of one size."""

from __future__ import annotations

import numpy as np
from PIL import Image


def resized(pixels: np.ndarray, size: int) -> np.ndarray:
    """uint8 (h, w, 3) -> (size, size, 3) by Pillow's bicubic filter, which is antialiased; the aspect is lost."""
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))
