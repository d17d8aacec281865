"""Wilcoxon's signed-rank test and Holm's correction. Pure.

Ours, because SciPy's exact test is not exact with ties or zeros, and statsmodels, which has Holm's, takes a hundred
times as long to import. Where SciPy has the same, tests hold it beside this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

EXACT = 50
"""Up to so many non-zero differences all signs are counted; beyond, the normal approximation."""
_DECIMALS = 12
"""Scores lie in [0, 1] or are pixels: a difference below this is rounding, and two so close are equal."""


def signed_rank(differences: np.ndarray) -> float:
    """Two-sided p of `differences` (n,) lying evenly around 0.

    Zeros are ranked with the others and then left out (Pratt 1959), equal sizes share their mean rank, and p is that of
    all signs given these ranks: exact with ties, too. 1 where every difference is 0.
    """
    values = np.round(differences, _DECIMALS)
    ranks = _twice_ranks(np.abs(values))[values != 0]
    positive = int(ranks[values[values != 0] > 0].sum())
    if not len(ranks):
        return 1.0
    if len(ranks) <= EXACT:
        return _exact(ranks, positive)
    z = (positive - ranks.sum() / 2) / np.sqrt((ranks.astype(float) ** 2).sum() / 4)
    return float(2 * NormalDist().cdf(-abs(z)))


def _twice_ranks(sizes: np.ndarray) -> np.ndarray:
    """Twice the rank of each, an integer: equal ones share the mean of their ranks."""
    _, place, count = np.unique(sizes, return_inverse=True, return_counts=True)
    return (2 * np.cumsum(count) - count + 1)[place]


def _exact(ranks: np.ndarray, positive: int) -> float:
    """How many of the 2 ** n choices of signs give each sum, built rank by rank."""
    ways = np.zeros(int(ranks.sum()) + 1)
    ways[0] = 1
    for rank in ranks:
        ways[rank:] += ways[:-rank].copy()
    tail = min(ways[: positive + 1].sum(), ways[positive:].sum()) / ways.sum()
    return min(1.0, 2 * float(tail))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down p of each: the chance of any false finding among all of them stays below the level."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted.tolist()
