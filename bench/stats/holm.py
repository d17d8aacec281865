"""Holm's step-down correction for several comparisons. Pure.

Ours, because statsmodels, which has it, takes a hundred times as long to import. A test holds both beside each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.stats.student import LEVEL


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down p of each: the chance of any false finding among all of them stays below the level."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted.tolist()


def holm_levels(p_values: Sequence[float], level: float = LEVEL) -> list[float]:
    """Of each, the level of the interval that excludes 0 exactly where its corrected p is below 1 - `level`.

    The smallest p of m is held against (1 - level) / m, the next against (1 - level) / (m - 1), and so on; all after
    the first that fails share its level.
    """
    p, count = np.asarray(p_values, dtype=np.float64), len(p_values)
    order = np.argsort(p)
    shares = (1 - level) / np.arange(count, 0, -1)
    failed = np.flatnonzero(p[order] >= shares)
    if len(failed):
        shares[failed[0] :] = shares[failed[0]]
    levels = np.empty(count)
    levels[order] = 1 - shares
    return levels.tolist()
