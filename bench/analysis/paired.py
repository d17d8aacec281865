"""One row less another on the same test images, repeat by repeat. Pure."""

from __future__ import annotations

import numpy as np

from bench.analysis.estimate import Resampled
from bench.analysis.test_scores import Place, TestScores
from bench.stats.student import widened


def paired(one: TestScores, other: TestScores, place: Place) -> Resampled | None:
    """`one` - `other`; None where they have not the same images, or one lacks the score.

    Both are resampled by the draws of `one`: what makes an image hard for both cancels. Repeats are paired in their
    order; rows of unequal numbers of them are compared by their means, as one.
    """
    if not same_images(one, other) or not all(place in tested.readings for tested in (one, other)):
        return None
    by_repeat = _gap(one.values(place), other.values(place))
    counts, draws = one.counts(place), None
    if one.weights is not None and counts.clusters > 1:
        plain = _gap(one.under(place, one.weights), other.under(place, one.weights))
        draws = widened(plain, by_repeat[:, None], counts.clusters)
    return Resampled(by_repeat=by_repeat, draws=draws, counts=counts)


def _gap(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """By repeat, (repeats, ...); of the means, (1, ...), where there are not as many."""
    if len(ours) != len(theirs):
        return ours.mean(0, keepdims=True) - theirs.mean(0, keepdims=True)
    return ours - theirs


def same_images(one: TestScores, other: TestScores) -> bool:
    """Whether both were tested on the same images, in any order."""
    return (one.ids, one.groups) == (other.ids, other.groups)
