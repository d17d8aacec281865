"""Scores of the map as it is, cut at probability 0.5: grey levels from 128 on."""

from __future__ import annotations

import numpy as np

from bench.segscores.names import DICE
from bench.segscores.tally import Tally

CUT = 128


def half_scores(seen: Tally) -> dict[str, float]:
    """`dice@0.5`, `iou@0.5` (both empty: 1), `recall@0.5` (empty mask: nan, it has none) and the counts of pixels."""
    tp, positive = int(seen.lesion[CUT:].sum()), int(seen.total[CUT:].sum())
    fp, fn = positive - tp, seen.lesion_pixels - tp
    union = tp + fp + fn
    dice, iou = (2 * tp / (union + tp), tp / union) if union else (1.0, 1.0)
    recall = tp / (tp + fn) if tp + fn else float("nan")
    counts = {"tp": tp, "fp": fp, "fn": fn, "tn": seen.pixels - union}
    return {"dice@0.5": dice, "iou@0.5": iou, "recall@0.5": recall, **counts}


def overlap_of(overlap: str, hit: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> np.ndarray:
    """Dice or IoU of one class from counts summed over a set; a class that occurs nowhere scores 1."""
    factor = 2 if overlap == DICE else 1
    below = factor * hit + fp + fn
    return np.divide(factor * hit, below, out=np.ones_like(below, dtype=float), where=below > 0)
