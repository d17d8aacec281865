"""One line less another on the same test images: the difference, its interval, and the groups that made it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.test_scores import Place, TestScores, interval
from bench.stats.bca import bca
from bench.stats.bootstrap import clusters, combine, spread
from bench.stats.jackknife import student_t
from bench.stats.rank_test import signed_rank

LEAST_CLUSTERS = 10
"""Below it skewness cannot be told from so few: the interval is the percentile one."""


@dataclass(frozen=True, eq=False)
class PairedDifference:
    """`by_seed`: the difference of each training, empty where the lines have unequal numbers of them.

    `draws`: under the bootstrap, None for a single cluster; `left_out`: without each cluster, one array a test set;
    `clusters`: the mean difference of each cluster's images, None for a score of pixels summed over a set.
    """

    value: float
    by_seed: np.ndarray
    draws: np.ndarray | None
    left_out: tuple[np.ndarray, ...]
    clusters: np.ndarray | None
    n: int

    @property
    def n_clusters(self) -> int:
        return sum(len(side) for side in self.left_out)

    @property
    def sd(self) -> float | None:
        return spread(list(self.by_seed))

    @property
    def beyond_training(self) -> bool | None:
        """Whether 0 lies outside Student's 95 % interval over trainings; None for a single one."""
        if self.sd is None:
            return None
        count = len(self.by_seed)
        return abs(self.value) > student_t(count - 1) * self.sd / math.sqrt(count)

    def interval(self) -> tuple[float, float, str] | None:
        """95 % over test images, and the name of the method; None for a single cluster."""
        percentile = interval(self.draws)
        if self.draws is None or percentile is None:
            return None
        found = None
        if self.n_clusters >= LEAST_CLUSTERS and all(np.isfinite(side).all() for side in self.left_out):
            found = bca(self.value, self.draws[np.isfinite(self.draws)], self.left_out)
        return (*found, "BCa") if found else (*percentile, "percentile")

    def p_value(self) -> float | None:
        """Of the signed-rank test over clusters; None for a single one, or where clusters have no mean."""
        return None if self.clusters is None or len(self.clusters) < 2 else signed_rank(self.clusters)


def paired(one: TestScores, other: TestScores, place: Place) -> PairedDifference | None:
    """`one` - `other`; None where they have not the same images, or one lacks the score.

    Both are resampled by the draws of `one`: what makes an image hard for both cancels.
    """
    if (one.ids, one.groups) != (other.ids, other.groups) or not all(
        place in tested.readings for tested in (one, other)
    ):
        return None
    by_seed = np.array([])
    if len(one.seeds) == len(other.seeds):
        by_seed = np.array(one.values(place)) - np.array(other.values(place))
    draws = None if one.draws is None else one.under(place, one.draws) - other.under(place, one.draws)
    left_out = one.without_each(place) - other.without_each(place)
    value = one.value(place) - other.value(place)
    return PairedDifference(
        value, by_seed, draws, (left_out,), _cluster_means(one, other, place), one.readings[place].n
    )


def same_images(one: TestScores, other: TestScores) -> bool:
    return (one.ids, one.groups) == (other.ids, other.groups)


def _cluster_means(one: TestScores, other: TestScores, place: Place) -> np.ndarray | None:
    """Frames of one sequence count once: the rank test takes what it is given for independent."""
    ours, theirs = one.per_image(place), other.per_image(place)
    if ours is None or theirs is None:
        return None
    known = np.isfinite(ours - theirs)
    cluster, gaps = clusters(one.groups)[known], (ours - theirs)[known]
    images = np.bincount(cluster)
    return (np.bincount(cluster, gaps) / np.maximum(images, 1))[images > 0]


def overall(parts: Sequence[PairedDifference], weighted: bool) -> PairedDifference:
    """Over several test sets, each resampled by itself: weighted by their images, or as equals."""
    counts = [part.n for part in parts]
    shares = np.array(counts) / sum(counts) if weighted else np.full(len(parts), 1 / len(parts))
    value = float(shares @ [part.value for part in parts])
    left_out = tuple(
        value + share * (side - part.value) for share, part in zip(shares, parts, strict=True) for side in part.left_out
    )
    trained = min(len(part.by_seed) for part in parts)
    by_seed = combine([part.by_seed for part in parts], counts, weighted) if trained else np.array([])
    known = [part.draws for part in parts if part.draws is not None]
    # A set of one cluster has no spread to add: an interval without it would be too narrow.
    draws = combine(known, counts, weighted) if len(known) == len(parts) else None
    return PairedDifference(value, by_seed, draws, left_out, _together(parts, weighted), sum(counts))


def _together(parts: Sequence[PairedDifference], weighted: bool) -> np.ndarray | None:
    """Clusters of all sets count alike in the rank test, so a mean of the sets as equals has none of its own."""
    known = [part.clusters for part in parts if part.clusters is not None]
    return np.concatenate(known) if weighted and len(known) == len(parts) else None
