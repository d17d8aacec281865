"""A number and its 95 % interval. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.stats.bootstrap import combine, standard_deviation
from bench.stats.confidence import Confidence, crossed
from bench.stats.student import LEVEL

LEAST_CLUSTERS = 10
"""Below it an interval is uncertain itself."""


@dataclass(frozen=True)
class Estimate:
    """A number; `low` and `high` bound its 95 % interval and are None where none can be estimated."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def bounds(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def without_zero(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.bounds is not None and not self.bounds[0] <= 0 <= self.bounds[1]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Images a number rests on, and their `clusters`: groups, where an image without one stands alone."""

    images: int
    clusters: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Resampled:
    """A number of one test set or of several, in each repeat, and the same under the bootstrap's draws.

    `by_repeat` (repeats,); `draws` (repeats, r), nan where a draw has no image in which the number is defined, None
    where a single cluster leaves nothing to draw. `limits`: the least and the largest that the number can be; Student's
    t knows of none.
    """

    by_repeat: np.ndarray
    draws: np.ndarray | None
    counts: Counts
    limits: tuple[float, float] = (-math.inf, math.inf)

    @property
    def value(self) -> float:
        """The mean over repeats."""
        return float(self.by_repeat.mean())

    @property
    def sd(self) -> float | None:
        """Standard deviation over repeats; None for a single one."""
        return standard_deviation(list(self.by_repeat))

    @property
    def defined(self) -> np.ndarray | None:
        """The draws in which the number is defined in every repeat; None where there are none."""
        if self.draws is None:
            return None
        whole = np.isfinite(self.draws).all(0)
        return self.draws[:, whole] if whole.any() else None

    @cached_property
    def confidence(self) -> Confidence | None:
        """How sure one may be of it; None where test images leave nothing to draw."""
        found = self.defined
        return None if found is None else crossed(found, self.by_repeat)

    def interval(self, level: float = LEVEL) -> tuple[float, float] | None:
        """Equal tails outside; None where none can be had."""
        return self.confidence.interval(level) if self.confidence else None

    @property
    def once(self) -> Resampled:
        """Of the first repeat alone."""
        draws = None if self.draws is None else self.draws[:1]
        return Resampled(by_repeat=self.by_repeat[:1], draws=draws, counts=self.counts, limits=self.limits)

    def less(self, other: Resampled) -> Resampled:
        """Less another under the same draws and repeats."""
        draws = None if self.draws is None or other.draws is None else self.draws - other.draws
        return Resampled(by_repeat=self.by_repeat - other.by_repeat, draws=draws, counts=self.counts)

    @cached_property
    def estimate(self) -> Estimate:
        """Within its limits."""
        found, (least, most) = self.interval(), self.limits
        if found is None:
            return Estimate(self.value)
        low, high = found
        return Estimate(self.value, max(low, least), min(high, most))


def mean_over_sets(parts: Sequence[Resampled], weighted: bool) -> Resampled:
    """Over several test sets, each resampled by itself: weighted by their images, or as equals."""
    images = [part.counts.images for part in parts]
    known = [part.draws for part in parts if part.draws is not None]
    return Resampled(
        by_repeat=combine([part.by_repeat for part in parts], images, weighted),
        # A set of one cluster has no spread to add: an interval without it would be too narrow.
        draws=combine(known, images, weighted) if len(known) == len(parts) else None,
        counts=Counts(images=sum(images), clusters=sum(part.counts.clusters for part in parts)),
        limits=parts[0].limits,
    )
