"""A number and its 95 % interval. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.stats.bootstrap import bounds, combine, standard_deviation


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
    """A number of one test set or of several: its value, the same of each training, and under the bootstrap's draws.

    `by_seed` (trainings,), empty where trainings cannot be told apart; `draws` (r,), nan where a draw has no image in
    which the number is defined, None where a single cluster leaves nothing to draw.
    """

    value: float
    by_seed: np.ndarray
    draws: np.ndarray | None
    counts: Counts

    @property
    def sd(self) -> float | None:
        """Standard deviation over trainings; None for a single one."""
        return standard_deviation(list(self.by_seed))

    @property
    def estimate(self) -> Estimate:
        return Estimate(self.value, *(interval(self.draws) or (None, None)))


def interval(draws: np.ndarray | None) -> tuple[float, float] | None:
    """95 %, over those draws in which the score is defined."""
    if draws is None or not np.isfinite(draws).any():
        return None
    return bounds(draws[np.isfinite(draws)])


def mean_over_sets(parts: Sequence[Resampled], weighted: bool) -> Resampled:
    """Over several test sets, each resampled by itself: weighted by their images, or as equals."""
    images = [part.counts.images for part in parts]
    value = combine([np.array([part.value]) for part in parts], images, weighted)
    known = [part.draws for part in parts if part.draws is not None]
    separable = all(len(part.by_seed) for part in parts)
    return Resampled(
        value=float(value[0]),
        by_seed=combine([part.by_seed for part in parts], images, weighted) if separable else np.array([]),
        # A set of one cluster has no spread to add: an interval without it would be too narrow.
        draws=combine(known, images, weighted) if len(known) == len(parts) else None,
        counts=Counts(images=sum(images), clusters=sum(part.counts.clusters for part in parts)),
    )
