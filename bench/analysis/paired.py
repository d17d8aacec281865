"""One row less another on the same test images: the difference, its interval, and the groups that made it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.analysis.estimate import Counts, Resampled, interval, mean_over_sets
from bench.analysis.test_scores import Place, TestScores
from bench.stats.bca import bca
from bench.stats.bootstrap import clusters
from bench.stats.jackknife import student_t
from bench.stats.rank_test import signed_rank

LEAST_CLUSTERS = 10
"""Below it skewness cannot be told from so few: the interval is the percentile one."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PairedDifference:
    """`number`: the difference, of each training (none where the rows have unequal numbers of them) and under draws.

    `left_out`: without each cluster, one array a test set; `clusters`: the mean difference of each cluster's images,
    None for a score of pixels summed over a set.
    """

    number: Resampled
    left_out: tuple[np.ndarray, ...]
    clusters: np.ndarray | None

    @property
    def counts(self) -> Counts:
        """Clusters are those of the whole set, whether the score is defined in their images or not."""
        return Counts(images=self.number.counts.images, clusters=sum(len(side) for side in self.left_out))

    @property
    def beyond_training(self) -> bool | None:
        """Whether 0 lies outside Student's 95 % interval over trainings; None for a single one."""
        sd, count = self.number.sd, len(self.number.by_seed)
        if sd is None:
            return None
        return abs(self.number.value) > student_t(count - 1) * sd / math.sqrt(count)

    def interval(self) -> tuple[float, float, str] | None:
        """95 % over test images, and the name of the method; None for a single cluster."""
        draws, percentile = self.number.draws, interval(self.number.draws)
        if draws is None or percentile is None:
            return None
        found = None
        if self.counts.clusters >= LEAST_CLUSTERS and all(np.isfinite(side).all() for side in self.left_out):
            found = bca(self.number.value, draws[np.isfinite(draws)], self.left_out)
        return (*found, "BCa") if found else (*percentile, "percentile")

    def p_value(self) -> float | None:
        """Of the signed-rank test over clusters; None for a single one, or where clusters have no mean."""
        return None if self.clusters is None or len(self.clusters) < 2 else signed_rank(self.clusters)


def paired(one: TestScores, other: TestScores, place: Place) -> PairedDifference | None:
    """`one` - `other`; None where they have not the same images, or one lacks the score.

    Both are resampled by the draws of `one`: what makes an image hard for both cancels.
    """
    if not same_images(one, other) or not all(place in tested.readings for tested in (one, other)):
        return None
    by_seed = np.array([])
    if len(one.seeds) == len(other.seeds):
        by_seed = np.array(one.values(place)) - np.array(other.values(place))
    weights = one.weights
    number = Resampled(
        value=one.value(place) - other.value(place),
        by_seed=by_seed,
        draws=None if weights is None else one.under(place, weights) - other.under(place, weights),
        counts=one.counts(place),
    )
    left_out = one.without_each(place) - other.without_each(place)
    return PairedDifference(number=number, left_out=(left_out,), clusters=_cluster_means(one, other, place))


def same_images(one: TestScores, other: TestScores) -> bool:
    """Whether both were tested on the same images, in any order."""
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
    whole = mean_over_sets([part.number for part in parts], weighted)
    images = [part.number.counts.images for part in parts]
    shares = np.array(images) / sum(images) if weighted else np.full(len(parts), 1 / len(parts))
    # By the shares of what is left out below, to the last digit: ties decide how far an interval is shifted.
    value = float(shares @ [part.number.value for part in parts])
    left_out = tuple(
        value + share * (side - part.number.value)
        for share, part in zip(shares, parts, strict=True)
        for side in part.left_out
    )
    # Clusters of all sets count alike in the rank test, so a mean of the sets as equals has none of its own.
    known = [part.clusters for part in parts if part.clusters is not None]
    pooled = np.concatenate(known) if weighted and len(known) == len(parts) else None
    return PairedDifference(number=replace(whole, value=value), left_out=left_out, clusters=pooled)
