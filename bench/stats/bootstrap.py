"""Uncertainty of a mean over images: a bootstrap over groups.

Frames of one sequence are not independent, so a group is drawn or left out as a whole. The same draws serve every
score of a test set, so that two rows of a leaderboard are compared on the same resampled images.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.stats.groups import clusters
from bench.stats.student import LEVEL, widened

RESAMPLES = 2000


def draw_weights(groups: Sequence[str], seed: int, resamples: int = RESAMPLES) -> np.ndarray | None:
    """How often each image is drawn, float64 (resamples, n); None when there are fewer than two clusters."""
    cluster = clusters(groups)
    count = int(cluster.max()) + 1
    if count < 2:
        return None
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return drawn[:, cluster].astype(np.float64)


def combine(per_set: Sequence[np.ndarray], counts: Sequence[int], weighted: bool) -> np.ndarray:
    """Scores of several sets -> one: weighted by image count (the published `overall`) or as equals."""
    return np.average(np.stack(per_set), axis=0, weights=counts if weighted else None)


def bounds(draws: np.ndarray | None, level: float = LEVEL) -> tuple[float, float] | None:
    """Percentile interval of resampled scores."""
    if draws is None:
        return None
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def mean_interval(values: np.ndarray, groups: Sequence[str], seed: int) -> tuple[float, float] | None:
    """95 % interval of the mean of per-image values (n,), by the bootstrap over groups, widened where these are few.

    None for a single group.
    """
    draws = draw_weights(groups, seed)
    if draws is None:
        return None
    return bounds(widened(draws @ values / draws.sum(1), float(values.mean()), int(clusters(groups).max()) + 1))


def standard_deviation(values: Sequence[float]) -> float | None:
    """Standard deviation over repeats (n - 1); None for one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None
