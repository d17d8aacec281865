"""How many synthetic images are copies of training images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.contracts import Context, ImageSet, Match, Measure, Metric, Score, Space, param
from bench.errors import BenchError
from metrics._equal import Digests, digests_of, joined, occurring_twice
from metrics._features import feature_pair
from metrics._neighbours import blocks, distances
from metrics._parts import groups_of

SHOWN = 16
STEADY = 5
"""Images below the copy rate's bound from which on it is taken as known."""
NEAR = 0.05
"""Distance of unit features below which two images may be equal, so that their pixels are compared."""
ROUNDING = 2e-3
"""Distance of unit features that equal images may come to: d2 of no more tells nothing."""


@dataclass(frozen=True)
class Params:
    """In which feature space, and what counts as a copy."""

    extractors: str = param("lite0", "feature spaces in order of preference, separated by commas")
    ratio: float = param(0.6, "d1 / d2 below which an image counts as copied", low=0, high=1)
    alpha: float = param(0.01, "share of fresh real images that the copy rate would take for copies", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """Of each image (n,): distance `first` to the nearest real image in any view, that image `real` and its `view`, and
    distance `second` to the nearest real image, in any view, of another group than that one's; `equal`: whether it is
    pixel for pixel a view of a real image."""

    first: np.ndarray
    second: np.ndarray
    real: np.ndarray
    view: np.ndarray
    equal: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """d1 / d2; 0 for an equal image. Where d2 is no more than rounding it is 1, as of an image near to several."""
        known = np.divide(self.first, self.second, out=np.ones_like(self.first), where=self.second > ROUNDING)
        return np.where(self.equal, 0, known)


class Copying(Metric):
    """Synthetic images next to a training image, as it is or flipped and turned (eight views). Lower is better.

    d1: distance to the nearest training image in any view. d2: to the nearest one of another group (another video or
    patient; an image without a group is one by itself), again in any view. Images of the same kind have d1 / d2 near 1,
    whichever they are near to; a copy is far nearer to its original than to all others. Training images that are equal
    pixel for pixel, in any view and at the size at which they are compared, are of one group, so that d2 is never that
    of the original's twin; a note counts them.

    `copied`: share with d1 / d2 < 0.6, and always what is pixel for pixel a view of a training image. It misses changed
    copies whose original has a near-duplicate that no group tells of (d2 is then small too), and copies changed a good
    deal. `copied-real`: the same share of the training images among those of other groups; above 0 there are
    near-duplicates without a group. `copy-rate@1%`: share with d1 below the bound that all but 1 % of training images
    keep from those of other groups, so fresh images have about 1 % (`expected`). It finds changed copies too, but takes
    averages of training images, which lie between them, for copies as well: far above `copied` it speaks of lost
    variety. A set drawn evenly towards the mean moves neither. Neither is a guarantee of privacy.

    Features are signed square roots, about the training mean and at unit length, lest a few strong channels decide.
    With Lite0 on Kvasir and ClinicDB (1,008 training images, 431 held out, of other videos) `copied` finds all of 300
    copies flipped, turned and brightened. Of a copy of each image saved as JPEG of quality 75 besides it finds 93 %
    (ClinicDB 99 %, Kvasir 89 %; on plain features 87 %; with ratio=0.65 97 %): 64 are moved too far by the JPEG, 9 have
    a near-duplicate of no group. It takes none of the held-out images for a copy, plain, blurred or blended with the
    mean image. The rate finds 100 %, and 0.2 % of those held out. On ISIC 2018 (300 training images) both find 100 of
    100 such JPEGs and 0 of 100 others.
    """

    version = 2
    requires = ("scipy",)
    cite = "ratio: Lowe, IJCV 2004; normalisation: Perronnin et al., ECCV 2010; interval: Clopper & Pearson, 1934"
    Params = Params
    views = True

    def measures(self, label: str) -> tuple[Measure, ...]:
        rate = f"copy-rate@{100 * self.params.alpha:g}%"
        return (
            Measure(f"copied-{label}", sees=("copies",)),
            Measure(f"copied-real-{label}", "", sees=()),
            Measure(f"{rate}-{label}", sees=("copies",)),
            Measure(f"{rate}-expected-{label}", "", sees=()),
        )

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        copied, among, rate, expected = (measure.name for measure in self.measures(space.label))
        index, features = _normalised(real, fake, copied)
        twins = _twins(real, index, space)
        group = _groups(real, twins, copied)
        near, own = nearest(features, index, group), nearest(index[0], index, group, own=group)
        near = replace(near, equal=_equal(near, real, fake, twins, space))
        bound = np.quantile(own.first, self.params.alpha)
        sizes, about = (index.shape[1], len(features)), "8 views, other groups"
        by_ratio = f"share with d1/d2 < {self.params.ratio:g}, {about}"
        or_equal = f"share with d1/d2 < {self.params.ratio:g} or equal pixels, {about}"
        by_bound = f"share with d1 < {bound:.3g}, the {self.params.alpha:g} quantile among real images, {about}"
        ids = tuple(sample.id for sample in fake.samples)
        usual = float((own.ratio < self.params.ratio).mean())
        headline = _share(near.equal | (near.ratio < self.params.ratio), sizes, or_equal, ids)
        hits = near.equal | (near.first < bound)
        return {
            copied: replace(headline, matches=_closest(near), note=_notes(headline, usual, twins)),
            among: Score(value=usual, n_real=sizes[0], n_fake=sizes[1], estimator=f"{by_ratio} of real images"),
            rate: replace(_share(hits, sizes, by_bound, ids), note=_few(self.params.alpha, len(group))),
            expected: Score(
                value=self.params.alpha,
                n_real=sizes[0],
                n_fake=sizes[1],
                estimator="what fresh images of the training set's kind have",
            ),
        }


def _normalised(real: ImageSet, fake: ImageSet, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The index (8, n, d) of real images in all views, and synthetic features (m, d)."""
    r, s = feature_pair(real, fake, name)
    if real.views is None:
        raise BenchError(f"{name}: no features of the real images flipped and turned, (7, n, d) needed as `views`")
    index = np.concatenate([r[None], real.views])
    centre = _root(r).mean(axis=0)
    return unit(index, centre), unit(s, centre)


def _twins(real: ImageSet, index: np.ndarray, space: Space) -> Digests:
    """Of the real images that may have an equal one: a view of another comes out next to them."""
    if space.pixels is None:
        return {}
    alone = np.arange(index.shape[1])
    return digests_of(real, np.flatnonzero(nearest(index[0], index, alone, own=alone).first < NEAR), space)


def _groups(real: ImageSet, twins: Digests, name: str) -> np.ndarray:
    """Of each real image, int (n,)."""
    group = joined(groups_of(real), twins)
    if group.max() < 2:
        equal = ", of which equal ones count as one" if occurring_twice(twins) else ""
        raise BenchError(f"{name}: {group.max() + 1} group(s) of real images{equal}; d2 needs at least 3")
    return group


def _equal(near: Nearest, real: ImageSet, fake: ImageSet, twins: Digests, space: Space) -> np.ndarray:
    """Whether each synthetic image is a view of its nearest real image, or of one that hardly differs from that."""
    rows = np.flatnonzero(near.first < NEAR)
    originals = {*twins.values(), *digests_of(real, np.unique(near.real[rows]), space).values()}
    made = digests_of(fake, rows, space)
    return np.array([made.get(row) in originals for row in range(len(near.first))])


def _root(features: np.ndarray) -> np.ndarray:
    return np.sign(features) * np.sqrt(np.abs(features))


def unit(features: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Signed square roots of features (..., d) from `centre`, each row of length 1 (0 where it lies on the centre)."""
    away = _root(features) - centre
    return away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), np.finfo(away.dtype).tiny)


def _share(hits: np.ndarray, sizes: tuple[int, int], estimator: str, ids: tuple[str, ...]) -> Score:
    from metrics._binomial import binomial_interval

    low, high = binomial_interval(int(hits.sum()), len(hits))
    said = f"{estimator}; exact binomial interval"
    return Score(
        value=float(hits.mean()),
        n_real=sizes[0],
        n_fake=sizes[1],
        low=low,
        high=high,
        estimator=said,
        per_image=hits.astype(np.float64),
        ids=ids,
    )


def _notes(headline: Score, usual: float, twins: Digests) -> str:
    notes = []
    if headline.low is not None and headline.low > usual:
        shares = f"{headline.value:.1%} of the images are copies of real ones (among real images {usual:.1%})"
        notes.append(f"{shares}: see closest.png")
    twice = occurring_twice(twins)
    if twice:
        notes.append(f"{twice} of {headline.n_real} real images occur more than once, flips and turns included")
    return "; ".join(notes)


def _few(alpha: float, count: int) -> str:
    """The bound is an order statistic: of few images it is noise, which the interval does not hold."""
    below = alpha * count
    if below >= STEADY:
        return ""
    return f"the bound rests on {below:.2g} of {count} real images: a rough one, whose noise is not in the interval"


def _closest(near: Nearest) -> tuple[Match, ...]:
    """The images of lowest d1 / d2, lowest first."""
    order = np.argsort(near.ratio, kind="stable")[:SHOWN]
    return tuple(Match(int(i), int(near.real[i]), int(near.view[i]), float(near.ratio[i])) for i in order)


def nearest(x: np.ndarray, real: np.ndarray, group: np.ndarray, own: np.ndarray | None = None) -> Nearest:
    """Of x (m, d) among `real` (views, n, d), whose images belong to `group` (n,); never one of the groups `own` (m,).

    At least two groups must remain.
    """
    parts = [_nearest(x[rows], real, group, None if own is None else own[rows]) for rows in blocks(len(x))]
    first, second, near, view = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Nearest(first=first, second=second, real=near, view=view, equal=np.zeros(len(x), dtype=bool))


def _nearest(x: np.ndarray, real: np.ndarray, group: np.ndarray, own: np.ndarray | None) -> tuple[np.ndarray, ...]:
    best, view = np.full((len(x), len(group)), np.inf, dtype=x.dtype), np.zeros((len(x), len(group)), dtype=np.int8)
    for number, seen in enumerate(real):
        found = distances(x, seen)
        view[found < best] = number
        np.minimum(best, found, out=best)
    if own is not None:
        best[own[:, None] == group] = np.inf
    rows, at = np.arange(len(x)), best.argmin(axis=1)
    first, view = best[rows, at], view[rows, at]
    best[group[at][:, None] == group] = np.inf
    return first, best.min(axis=1), at, view
