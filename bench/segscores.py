"""Dice and IoU from probability maps: the only place where they are computed, every convention under its own name.

Per image:
- `mdice@256`, `miou@256`: PraNet's MATLAB evaluation (eval/main.m): the map is stretched to [0, 1] by its own minimum
  and maximum (a constant map stays as it is), thresholded at 256 levels from 1 to 0 with `>=`, and the 256 scores are
  averaged; no true positive means 0. A perfect hard map scores (255 + 2f/(1+f))/256 with f the lesion's share.
- `dice@0.5`, `iou@0.5`: probability > 0.5, no stretching. Both empty is 1.
Over a set, from counts summed over all its images at 0.5:
- `dice@0.5-pooled`, `iou@0.5-pooled`: of the lesion.
- `mdice@0.5-two-class`, `miou@0.5-two-class`: mean of lesion and background (mmsegmentation's mDice and mIoU).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.contracts import Split
from bench.errors import BenchError
from bench.images import load_grey, load_mask

VERSION = 1
THRESHOLDS = np.linspace(1.0, 0.0, 256)
PER_IMAGE = ("mdice@256", "miou@256", "dice@0.5", "iou@0.5")
COUNTS = ("tp", "fp", "fn", "tn")
POOLED = ("dice@0.5-pooled", "iou@0.5-pooled", "mdice@0.5-two-class", "miou@0.5-two-class")
METRICS = (*PER_IMAGE, *POOLED)

_ASCENDING = THRESHOLDS[::-1].copy()


def _stretched_levels(levels_present: np.ndarray) -> np.ndarray:
    """The 256 grey levels as min-max stretched probabilities, float64 (256,)."""
    low, high = levels_present[0], levels_present[-1]
    levels = np.arange(256) / 255.0
    if low == high:
        return levels
    return (levels - levels[low]) / (levels[high] - levels[low])


def threshold_counts(prob: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """True positives and predicted positives at each of THRESHOLDS, int64 (256,), and the lesion's pixels.

    `prob`: uint8 (h, w), probability × 255; `truth`: (h, w) in {0, 1}. One histogram replaces 256 passes: a pixel is
    positive at every threshold up to its own level's.
    """
    inside = truth.ravel().astype(bool)
    flat = prob.ravel()
    total = np.bincount(flat, minlength=256)
    lesion = np.bincount(flat[inside], minlength=256)
    reached = np.searchsorted(_ASCENDING, _stretched_levels(np.flatnonzero(total)), side="right")
    return _above(reached, lesion), _above(reached, total), int(inside.sum())


def _above(reached: np.ndarray, histogram: np.ndarray) -> np.ndarray:
    """Pixels whose level reaches threshold i of THRESHOLDS (descending); `reached[l]`: how many a level reaches."""
    by_count = np.bincount(reached, weights=histogram, minlength=257)
    # Threshold i (descending) is the (256 - i)-th smallest: it is reached by levels that reach at least that many.
    return by_count[::-1].cumsum()[:256].astype(np.int64)


def mean_over_thresholds(prob: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """(`mdice@256`, `miou@256`) of one image."""
    hit, positive, lesion = threshold_counts(prob, truth)
    dice = np.divide(2 * hit, positive + lesion, out=np.zeros(256), where=hit > 0)
    iou = np.divide(hit, positive + lesion - hit, out=np.zeros(256), where=hit > 0)
    return float(dice.mean()), float(iou.mean())


def image_scores(prob: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Every per-image score and the counts at 0.5. Raises ValueError when the shapes differ."""
    if prob.shape != truth.shape:
        raise ValueError(f"map {prob.shape[::-1]} and mask {truth.shape[::-1]} differ in size")
    mdice, miou = mean_over_thresholds(prob, truth)
    positive, lesion = prob > 127.5, truth.astype(bool)
    tp = int((positive & lesion).sum())
    fp, fn = int(positive.sum()) - tp, int(lesion.sum()) - tp
    union = tp + fp + fn
    dice, iou = (2 * tp / (union + tp), tp / union) if union else (1.0, 1.0)
    counts = {"tp": tp, "fp": fp, "fn": fn, "tn": prob.size - union}
    return {"mdice@256": mdice, "miou@256": miou, "dice@0.5": dice, "iou@0.5": iou, **counts}


def score_folder(samples: Split, maps: Path) -> list[dict[str, Any]]:
    """One row an image: id, group, per-image scores, counts. BenchError names a missing map or one of another size."""
    rows = []
    for sample in samples:
        path = maps / f"{sample.id}.png"
        try:
            scores = image_scores(load_grey(path), load_mask(sample.mask))
        except ValueError as error:
            raise BenchError(f"{path}: {error}; predict at the image's own size") from None
        rows.append({"id": sample.id, "group": sample.group, **scores})
    return rows


def aggregate(columns: Mapping[str, np.ndarray], metric: str, weights: np.ndarray) -> np.ndarray:
    """The set's score under each row of `weights` (r, n): mean of a per-image score, or ratio of summed counts.

    A row of ones is the plain score; a bootstrap passes how often each image was drawn.
    """
    if metric in PER_IMAGE:
        return weights @ columns[metric] / weights.sum(1)
    tp, fp, fn, tn = (weights @ columns[name] for name in COUNTS)
    lesion, background = (_ratio(metric, hit, fp, fn) for hit in (tp, tn))
    return lesion if metric.endswith("pooled") else (lesion + background) / 2


def _ratio(metric: str, hit: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> np.ndarray:
    """Dice or IoU of one class from its pooled counts; a class that occurs nowhere scores 1."""
    factor = 2 if "dice" in metric else 1
    below = factor * hit + fp + fn
    return np.divide(factor * hit, below, out=np.ones_like(below, dtype=float), where=below > 0)


def as_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Rows of one set -> float64 columns of scores and counts."""
    return {name: np.array([float(row[name]) for row in rows]) for name in (*PER_IMAGE, *COUNTS)}
