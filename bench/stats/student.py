"""Student's t: how much wider an interval of few repeats, parts or groups is than one of many."""

from __future__ import annotations

import math

import numpy as np

LEVEL = 0.95
NORMAL_HALF = 1.959964
"""Two-sided 95 % quantile of the normal distribution: what a percentile interval of many groups amounts to."""


def student_t(freedom: float, level: float = LEVEL) -> float:
    """Two-sided quantile of Student's t: the `level` share lies within +- it. `freedom`: above 0, whole or not."""
    # What scipy.stats.t.ppf calls; importing scipy.stats takes several times as long.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))


def widened(draws: np.ndarray, value: float | np.ndarray, clusters: int) -> np.ndarray:
    """Draws of a bootstrap over few clusters, moved away from `value` as far as Student's interval is wider.

    A bootstrap's variance is (c - 1) / c of the unbiased one, and its quantiles are the normal's (Hesterberg 2015).
    """
    factor = math.sqrt(clusters / (clusters - 1)) * student_t(clusters - 1) / NORMAL_HALF
    return value + factor * (draws - value)
