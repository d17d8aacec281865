"""Images in a square without losing their aspect: scaled until they fit, in its middle, with black around them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.images import load_mask, load_rgb, size_of


@dataclass(frozen=True)
class Frame:
    """Where in the square the image lies, px."""

    top: int
    left: int
    height: int
    width: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def frame_of(size: tuple[int, int], side: int) -> Frame:
    """Of an image of (width, height) in a square of `side` px."""
    width, height = (max(1, round(one * side / max(size))) for one in size)
    return Frame((side - height) // 2, (side - width) // 2, height, width)


def boxed_rgb(path: Path, side: int) -> np.ndarray:
    """uint8 (side, side, 3)."""
    frame, square = frame_of(size_of(path), side), np.zeros((side, side, 3), np.uint8)
    square[frame.place] = load_rgb(path, (frame.width, frame.height))
    return square


def boxed_mask(path: Path, side: int) -> np.ndarray:
    """uint8 (side, side) in {0, 1}; background around it."""
    frame, square = frame_of(size_of(path), side), np.zeros((side, side), np.uint8)
    square[frame.place] = load_mask(path, (frame.width, frame.height))
    return square


def unboxed(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The square (side, side, 3) without what lies around an image of (width, height), stretched to the square."""
    side = len(image)
    inner = image[frame_of(size, side).place]
    if inner.shape == image.shape:
        return image
    return np.asarray(Image.fromarray(inner).resize((side, side), Image.Resampling.BILINEAR))
