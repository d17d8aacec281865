"""Uncertainty of a distance of two sets: a jackknife over groups or parts, and the difference of two such distances.

Distances of two sets are never bootstrapped: an image drawn twice is a pair at distance 0, which moves them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from bench.contracts import LeftOut, Score
from bench.stats.bootstrap import mean_interval
from bench.stats.student import LEVEL, student_t

LEAST_PARTS = 3


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


def difference(
    one: Score, other: Score, groups: Mapping[str, str] | None = None, seed: int = 0
) -> tuple[float, float, float] | None:
    """`one` - `other` and its 95 % interval, of two synthetic sets scored against the same reference.

    Values of the same images are subtracted and resampled by `groups` (group of an id; without one it stands alone).
    Otherwise the difference is jackknifed: parts of the reference, which both scores lack at the same time, subtract
    before they are squared, so what the scores share cancels; the synthetic sets are independent and their variances
    add. None when the scores have neither images nor parts in common, and when all images differ by the same: what is
    drawn anew from those tells nothing of other images.
    """
    paired = _paired(one, other)
    if paired:
        values = np.array(list(paired.values()), dtype=np.float64)
        interval = (
            None if np.ptp(values) == 0 else mean_interval(values, [(groups or {}).get(id, "") for id in paired], seed)
        )
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
