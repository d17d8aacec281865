"""Bias-corrected and accelerated bootstrap interval (Efron 1987), of draws made elsewhere. Pure.

Ours, because SciPy's draws single images and makes its own draws; with the same draws of single images both agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from bench.stats.bootstrap import LEVEL

_NORMAL = NormalDist()


def bca(
    value: float, draws: np.ndarray, left_out: Sequence[np.ndarray], level: float = LEVEL
) -> tuple[float, float] | None:
    """Interval of `value` from its bootstrap `draws` (r,).

    `left_out`: for each stratum that was resampled by itself, the value without one of its clusters, (c,) each. None
    where it is not defined: all draws lie on one side of the value, or leaving a cluster out changes nothing.
    """
    share = (np.mean(draws < value) + np.mean(draws <= value)) / 2
    skew = acceleration(left_out)
    if not 0 < share < 1 or skew is None:
        return None
    bias = _NORMAL.inv_cdf(float(share))
    moved = [bias + _NORMAL.inv_cdf(tail) for tail in ((1 - level) / 2, (1 + level) / 2)]
    low, high = np.quantile(draws, [_NORMAL.cdf(bias + z / (1 - skew * z)) for z in moved])
    return float(low), float(high)


def acceleration(left_out: Sequence[np.ndarray]) -> float | None:
    """A sixth of the skewness of the jackknife's influences, each stratum's divided by its number of clusters."""
    influences = [(len(side) - 1) * (side.mean() - side) / len(side) for side in left_out]
    variance = sum(float((one**2).sum()) for one in influences)
    return sum(float((one**3).sum()) for one in influences) / (6 * variance**1.5) if variance > 0 else None
