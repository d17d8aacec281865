"""Diversity as an effective number of images: the order-2 Vendi score of a synthetic set over that of the real one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.contracts import Context, ImageSet, LeftOut, Measure, Metric, Score, Space, param
from bench.errors import BenchError
from bench.stats.jackknife import jackknife_interval
from metrics._features import feature_pair
from metrics._floor import floors
from metrics._parts import groups_of


@dataclass(frozen=True)
class Params:
    """In which feature space."""

    extractors: str = param("inception", "feature spaces in order of preference, separated by commas")


class Vendi(Metric):
    """1 / sum(lambda^2) with lambda the eigenvalues of K/n, K the cosines of features about the real set's mean.

    n for n images that have nothing in common, 1 for n copies of one. `Vendi2-ratio` is the synthetic set's over the
    real set's: below 1 it is less varied. Above 1 is not better: noise and artefacts vary too. Cosines see directions
    only, so a set drawn evenly towards the real mean (washed-out images) keeps its ratio, and so do copies.

    The eigenvalues are never formed: sum(lambda^2) is the mean of K's squares. It depends on n, so both sets are taken
    at the smaller one's n: from the mean square off the diagonal, m, it is 1/n + (1 - 1/n) m, which is its average
    over all subsets of n images. Order 2 because order 1 needs tens of thousands of images to settle.

    Intervals leave out one group of real images, or the synthetic ones of one group (or mask), at a time; the centre,
    the mean of all real images, stays where it is.
    """

    version = 1
    cite = "Friedman & Dieng, TMLR 2023; order 2: Jalali et al. (RKE), NeurIPS 2023; Ospanov et al., arXiv 2410.21719"
    Params = Params
    stratified = True

    def measures(self, label: str) -> tuple[Measure, ...]:
        sides = (Measure(f"Vendi2-{side}-{label}", "", sees=()) for side in ("real", "synthetic"))
        return (Measure(f"Vendi2-ratio-{label}", "higher"), *sides)

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        ratio, ours, theirs = (measure.name for measure in self.measures(space.label))
        r, s = feature_pair(real, fake, ratio)
        n = min(len(r), len(s))
        parts = {"real": groups_of(real), "fake": groups_of(fake)}
        r, s = directions(r, s, ratio)
        values = {"real": effective(mean_square(r), n), "fake": effective(mean_square(s), n)}
        without = {side: _without(side, x, parts[side], n) for side, x in (("real", r), ("fake", s))}
        of_ratio = (
            *(replace(left, values=values["fake"] / left.values) for left in without["real"]),
            *(replace(left, values=left.values / values["real"]) for left in without["fake"]),
        )
        floor = floors(lambda a, b: {ratio: _ratio(a, b, ratio)}, real, fake, ctx.seed).get(ratio)
        estimator = f"cosines about the real mean, at n={n}"
        sizes = len(r), len(s)
        return {
            ratio: replace(_score(values["fake"] / values["real"], of_ratio, 2, sizes, estimator), floor=floor),
            ours: _score(values["real"], without["real"], 1, sizes, estimator),
            theirs: _score(values["fake"], without["fake"], 1, sizes, estimator),
        }


def directions(real: np.ndarray, fake: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Both sets about the mean of `real`, each row of length 1, float64. BenchError where a row lies on that mean."""
    centre = real.mean(axis=0, dtype=np.float64)
    found = []
    for side, features in (("real", real), ("synthetic", fake)):
        away = features - centre
        length = np.linalg.norm(away, axis=1, keepdims=True)
        if not length.all():
            where = f"{side} image number {int(np.argmin(length)) + 1}"
            raise BenchError(
                f"{name}: {where} lies on the mean of the real features and has no direction from it; "
                "are all real images the same?"
            )
        found.append(away / length)
    return found[0], found[1]


def effective(square: Any, n: int) -> Any:
    """Effective number among n images with mean squared cosine `square` off the diagonal."""
    return 1 / (1 / n + (1 - 1 / n) * square)


def mean_square(x: np.ndarray) -> float:
    """Mean of (x_i . x_j)^2 over i != j of unit rows x (n, d), from x^T x alone. n >= 2."""
    n, inner = len(x), x.T @ x
    return float(((inner * inner).sum() - n) / (n * (n - 1)))


def mean_squares_without(x: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """`mean_square` with each part left out in turn: (parts,), in closed form. At least 2 images must stay."""
    sums = ((x @ (x.T @ x)) * x).sum(axis=1)
    within = np.array([np.square(x[parts == part] @ x[parts == part].T).sum() for part in range(parts.max() + 1)])
    left = len(x) - np.bincount(parts)
    return (sums.sum() - 2 * np.bincount(parts, sums) + within - left) / (left * (left - 1))


def _ratio(real: np.ndarray, fake: np.ndarray, name: str) -> float:
    r, s = directions(real, fake, name)
    n = min(len(r), len(s))
    return float(effective(mean_square(s), n) / effective(mean_square(r), n))


def _without(side: str, x: np.ndarray, parts: np.ndarray, n: int) -> tuple[LeftOut, ...]:
    """Effective number with one part left out each; nothing where a part is (all but) the whole set."""
    sizes = np.bincount(parts)
    return (LeftOut(side, effective(mean_squares_without(x, parts), n), sizes),) if len(x) - sizes.max() > 1 else ()


def _score(value: float, left: tuple[LeftOut, ...], sides: int, sizes: tuple[int, int], estimator: str) -> Score:
    """Without an interval where one of the `sides` has too few parts."""
    low, high = (jackknife_interval(value, left) if len(left) == sides else None) or (None, None)
    note, how = ("too few groups: no interval", "") if low is None else ("", "; jackknife over groups")
    return Score(
        value=float(value),
        n_real=sizes[0],
        n_fake=sizes[1],
        low=low,
        high=high,
        note=note,
        estimator=estimator + how,
        left_out=left,
    )
