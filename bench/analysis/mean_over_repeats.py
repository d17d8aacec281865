"""A measure of several synthetic sets that one generator made, one a repeat: their mean, and its interval. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bench.analysis.estimate import Estimate
from bench.contracts import Floor
from bench.stats.student import student_t


def mean_over_repeats(found: Sequence[Estimate]) -> Estimate:
    """`found`: of each repeat's set, with its interval over images.

    On each side the mean half-width of the sets and that of Student's interval over repeats add as squares. The sets
    share their real images, so the former does not shrink with repeats; noise of synthetic images is in both, so the
    interval is rather too wide than too narrow. None where a set has no interval.
    """
    if len(found) == 1:
        return found[0]
    value = float(np.mean([one.value for one in found]))
    if any(one.bounds is None for one in found):
        return Estimate(value)
    over = _student([one.value for one in found])
    below, above = np.abs([[one.value - bound for bound in one.bounds or ()] for one in found]).mean(0)
    return Estimate(value, value - math.hypot(below, over), value + math.hypot(above, over))


def _student(values: Sequence[float]) -> float:
    """Half of Student's 95 % interval of their mean."""
    return student_t(len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))


def mean_floor(found: Sequence[Floor]) -> Floor | None:
    """None where there is none. Floors differ by the synthetic set alone: in what it scores at the floor's n."""
    if not found:
        return None
    first = found[0]
    value, sd, at_n = (float(np.mean([getattr(one, name) for one in found])) for name in ("value", "sd", "at_n"))
    return Floor(value=value, sd=sd, n=first.n, splits=first.splits, at_n=at_n)
