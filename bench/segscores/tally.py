"""Pixels by grey level: all that the scores kept of every map are made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tally:
    """`total[l]`: pixels of level l (probability x 255); `lesion[l]`: those of them inside the lesion. int64 (256,)."""

    total: np.ndarray
    lesion: np.ndarray

    @property
    def pixels(self) -> int:
        """Of the image."""
        return int(self.total.sum())

    @property
    def lesion_pixels(self) -> int:
        """Of the mask's lesion."""
        return int(self.lesion.sum())


def tally(prob: np.ndarray, truth: np.ndarray) -> Tally:
    """`prob`: uint8 (h, w), probability x 255; `truth`: (h, w) in {0, 1}. ValueError when the shapes differ."""
    if prob.shape != truth.shape:
        raise ValueError(f"map {prob.shape[::-1]} and mask {truth.shape[::-1]} differ in size")
    flat = prob.ravel()
    inside = flat[truth.ravel().astype(bool)]
    return Tally(np.bincount(flat, minlength=256), np.bincount(inside, minlength=256))
