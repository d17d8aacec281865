"""Uncertainty: a bootstrap over groups for means over images, a jackknife over parts for distances of two sets.

Frames of one sequence are not independent, so a group is drawn or left out as a whole. The same draws serve every
score of a test set, so that two rows of a leaderboard are compared on the same resampled images. Distances of two sets
are never bootstrapped: an image drawn twice is a pair at distance 0, which moves them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np

from bench.contracts import LeftOut, Score

LEVEL = 0.95
RESAMPLES = 2000
LEAST_PARTS = 3


def clusters(groups: Sequence[str]) -> np.ndarray:
    """Cluster index of each image, int (n,): images of one non-empty group share it, the others stand alone."""
    names = [group or f"\0{index}" for index, group in enumerate(groups)]
    return np.unique(names, return_inverse=True)[1]


def draw_weights(groups: Sequence[str], seed: int, resamples: int = RESAMPLES) -> np.ndarray | None:
    """How often each image is drawn, float64 (resamples, n); None when there are fewer than two clusters."""
    cluster = clusters(groups)
    count = int(cluster.max()) + 1
    if count < 2:
        return None
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return drawn[:, cluster].astype(np.float64)


def left_out_weights(groups: Sequence[str]) -> np.ndarray:
    """One row a cluster, which leaves it out and keeps all others, float64 (clusters, n)."""
    cluster = clusters(groups)
    return (cluster[None, :] != np.arange(cluster.max() + 1)[:, None]).astype(np.float64)


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
    """95 % interval of the mean of per-image values (n,), by the bootstrap over groups; None for a single group."""
    draws = draw_weights(groups, seed)
    return None if draws is None else bounds(draws @ values / draws.sum(1))


def spread(values: Sequence[float]) -> float | None:
    """Standard deviation over seeds (n - 1); None for one seed."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def jackknife_interval(value: float, left_out: Sequence[LeftOut], level: float = LEVEL) -> tuple[float, float] | None:
    """`value` +- Student's t times the jackknife error; None when a side has fewer than three parts.

    Sides are independent samples, so their variances add; degrees of freedom are Satterthwaite's, parts - 1 a side.
    """
    if not left_out or any(len(side.values) < LEAST_PARTS for side in left_out):
        return None
    variances = [jackknife_variance(side) for side in left_out]
    variance = sum(variances)
    if variance == 0:
        return value, value
    freedom = variance**2 / sum(own**2 / (len(side.values) - 1) for own, side in zip(variances, left_out, strict=True))
    half = student_t(freedom, level) * math.sqrt(variance)
    return value - half, value + half


def jackknife_variance(side: LeftOut) -> float:
    """Delete-m_j jackknife (Busing, Meijer and van der Leeden 1999): parts may be of unequal size.

    The parts make up the whole side. In place of the value itself stands the weighted mean of the left-out values,
    which is the same for a mean, so that a constant bias plays no part. With equal parts it is the ordinary
    (g - 1) / g times the sum of squared deviations.
    """
    share = side.sizes / side.sizes.sum()
    centre = ((1 - share) * side.values).sum() / (len(share) - 1)
    return float(((1 / share - 1) * (side.values - centre) ** 2).mean())


def student_t(freedom: float, level: float = LEVEL) -> float:
    """Two-sided quantile of Student's t: exact for 1 and 2, else by its expansion in 1 / freedom: within 1 % at 3 and
    2e-4 from 9 on.
    """
    if freedom == 1:
        return math.tan(math.pi / 2 * level)
    if freedom == 2:
        return level * math.sqrt(2 / (1 - level**2))
    z = NormalDist().inv_cdf((1 + level) / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))


def difference(
    one: Score, other: Score, groups: Mapping[str, str] | None = None, seed: int = 0
) -> tuple[float, float, float] | None:
    """`one` - `other` and its 95 % interval, of two synthetic sets scored against the same reference.

    Values of the same images are subtracted and resampled by `groups` (group of an id; without one it stands alone).
    Otherwise the difference is jackknifed: parts of the reference, which both scores lack at the same time, subtract
    before they are squared, so what the scores share cancels; the synthetic sets are independent and their variances
    add. None when the scores have neither images nor parts in common.
    """
    paired = _paired(one, other)
    if paired:
        values = np.array(list(paired.values()), dtype=np.float64)
        interval = mean_interval(values, [(groups or {}).get(id, "") for id in paired], seed)
        value = float(values.mean())
    else:
        value = one.value - other.value
        interval = jackknife_interval(value, _parts_of_difference(one.left_out, other.left_out))
    return None if interval is None else (value, *interval)


def _paired(one: Score, other: Score) -> dict[str, float]:
    """Differences of the images that both scores have, by id."""
    if one.per_image is None or other.per_image is None:
        return {}
    theirs = dict(zip(other.ids, other.per_image, strict=True))
    return {id: value - theirs[id] for id, value in zip(one.ids, one.per_image, strict=True) if id in theirs}


def _parts_of_difference(ours: Sequence[LeftOut], theirs: Sequence[LeftOut]) -> list[LeftOut]:
    """Parts whose variances add up to that of the difference; none when the reference was parted otherwise."""
    one, other = ({part.side: part for part in sides} for sides in (ours, theirs))
    if one.keys() != other.keys():
        return []
    parts = []
    for side in one:
        if side == "fake":
            parts += [one[side], other[side]]
        elif _same_parts(one[side], other[side]):
            sizes = (one[side].sizes + other[side].sizes) / 2
            parts.append(LeftOut(side, one[side].values - other[side].values, sizes))
        else:
            return []
    return parts


def _same_parts(one: LeftOut, other: LeftOut) -> bool:
    """Parts of `both` sides also count synthetic images, of which two sets may have unequal numbers."""
    return len(one.sizes) == len(other.sizes) and (one.side == "both" or np.array_equal(one.sizes, other.sizes))
