"""Scores of the map as PraNet's evaluation (eval/main.m) sees it: stretched to [0, 1] by its own minimum and maximum.

A constant map stays as it is. There are 256 thresholds from 1 to 0, and a pixel is positive at `>=`; the last one makes
the whole image positive, so a perfect hard map scores a Dice of (255 + 2f / (1 + f)) / 256 with f the lesion's share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.segscores.tally import Tally

THRESHOLDS = np.linspace(1.0, 0.0, 256)
_ASCENDING = THRESHOLDS[::-1].copy()
_EPS = np.spacing(1.0)


@dataclass(frozen=True)
class Curve:
    """True positives and positives at each of THRESHOLDS, int64 (256,), of an image with so many pixels."""

    hit: np.ndarray
    positive: np.ndarray
    lesion: int
    pixels: int


def stretched_scores(seen: Tally) -> dict[str, float]:
    """`mdice@256`, `miou@256`, `e-measure@256` and `mae` of one image."""
    levels = stretched_levels(seen.total)
    curve = threshold_counts(seen, levels)
    dice, iou = dice_and_iou(curve)
    return {
        "mdice@256": float(dice.mean()),
        "miou@256": float(iou.mean()),
        "e-measure@256": float(alignment(curve).mean()),
        "mae": mean_error(seen, levels),
    }


def stretched_levels(total: np.ndarray) -> np.ndarray:
    """The 256 grey levels as stretched probabilities, float64 (256,); those outside the map's range mean nothing."""
    present = np.flatnonzero(total)
    low, high = present[0], present[-1]
    levels = np.arange(256) / 255.0
    return levels if low == high else (levels - levels[low]) / (levels[high] - levels[low])


def threshold_counts(seen: Tally, levels: np.ndarray) -> Curve:
    """One histogram replaces 256 passes: a pixel is positive at every threshold up to its own level's."""
    reached = np.searchsorted(_ASCENDING, levels, side="right")
    return Curve(_above(reached, seen.lesion), _above(reached, seen.total), seen.lesion_pixels, seen.pixels)


def _above(reached: np.ndarray, histogram: np.ndarray) -> np.ndarray:
    """Pixels whose level reaches threshold i of THRESHOLDS (descending); `reached[l]`: how many a level reaches."""
    by_count = np.bincount(reached, weights=histogram, minlength=257)
    # Threshold i (descending) is the (256 - i)-th smallest: it is reached by levels that reach at least that many.
    return by_count[::-1].cumsum()[:256].astype(np.int64)


def dice_and_iou(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """At each threshold; 0 without a true positive, so also for an empty mask."""
    hit, both = curve.hit, curve.positive + curve.lesion
    dice = np.divide(2 * hit, both, out=np.zeros(256), where=hit > 0)
    return dice, np.divide(hit, both - hit, out=np.zeros(256), where=hit > 0)


def alignment(curve: Curve) -> np.ndarray:
    """E-measure (Fan et al., IJCAI 2018) at each threshold: it takes four values only, one a kind of pixel.

    Divided by pixels - 1 as published, so that a perfect map scores a little above 1. Of an empty mask it is the share
    of negatives, of a mask that fills the image the share of positives.
    """
    size, lesion, positive = curve.pixels, curve.lesion, curve.positive
    if lesion in (0, size):
        return (positive if lesion else size - positive) / (size - 1 + _EPS)
    false = positive - curve.hit
    counts = (curve.hit, false, lesion - curve.hit, size - lesion - false)
    found, wanted = positive / size, lesion / size
    signs = ((1 - found, 1 - wanted), (1 - found, -wanted), (-found, 1 - wanted), (-found, -wanted))
    total = np.zeros(256)
    for count, (ours, theirs) in zip(counts, signs, strict=True):
        aligned = 2 * ours * theirs / (ours**2 + theirs**2 + _EPS)
        total += count * (aligned + 1) ** 2 / 4
    return total / (size - 1 + _EPS)


def mean_error(seen: Tally, levels: np.ndarray) -> float:
    """Mean |stretched probability - truth|."""
    inside, outside = seen.lesion, seen.total - seen.lesion
    return float((outside @ levels + inside @ (1 - levels)) / seen.pixels)
