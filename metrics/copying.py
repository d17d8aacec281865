"""How many synthetic images are copies of training images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.contracts import Context, ImageSet, Match, Measure, Metric, Score, Space, param
from bench.errors import BenchError
from bench.images import VIEWS, undone
from metrics._equal import Digests, digests_of, joined, occurring_twice
from metrics._features import feature_pair
from metrics._neighbours import blocks, distances
from metrics._parts import groups_of
from metrics._turned import in_all_views, thumbnails

SHOWN = 16
STEADY = 5
"""Images below the copy rate's bound from which on it is taken as known."""
SAME = 0.01
"""Distance of thumbnails below which two images may be equal, so that their pixels are compared."""
STANDS_OUT, NEAREST = 0.9, 0.2
"""Which images are turned: d1 / d2 of their thumbnails, or else the share of real images whose d1 is as small."""
ROUNDING = 2e-3
"""Distance of unit features that equal images may come to: d2 of no more tells nothing."""


@dataclass(frozen=True)
class Params:
    """In which feature space, and what counts as a copy."""

    extractors: str = param("lite0", "feature spaces in order of preference, separated by commas")
    ratio: float = param(0.6, "d1 / d2 below which an image counts as copied", low=0, high=1)
    thumbnail_ratio: float = param(0.5, "the same of thumbnails, which see more changed copies", low=0, high=1)
    alpha: float = param(0.01, "share of fresh real images that the copy rate would take for copies", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """Of each image (n,): distance `first` to the nearest real image, that image `real` and its `view`, and distance
    `second` to the nearest real image of another group than that one's; `equal`: whether it is pixel for pixel a view
    of a real image; `small`: d1 / d2 of thumbnails, 1 where they were not compared."""

    first: np.ndarray
    second: np.ndarray
    real: np.ndarray
    view: np.ndarray
    equal: np.ndarray
    small: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """d1 / d2; 0 for an equal image. Where d2 is no more than rounding it is 1, as of an image near to several."""
        known = np.divide(self.first, self.second, out=np.ones_like(self.first), where=self.second > ROUNDING)
        return np.where(self.equal, 0, known)


class Copying(Metric):
    """Synthetic images next to a training image, as it is or flipped and turned (eight views). Lower is better.

    d1: distance to the nearest training image. d2: to the nearest one of another group (another video or patient; an
    image without a group is one by itself). Images of the same kind have d1 / d2 near 1, whichever they are near to; a
    copy is far nearer to its original than to all others. Training images that are equal pixel for pixel, in any view
    and at the size at which they are compared, are of one group, so that d2 is never that of the original's twin; a
    note counts them.

    Both are distances of the image as it is or, where that has the smaller d1, turned back from the view in which it
    looks like a training image. Thumbnails tell (16 x 16, grey, of equal brightness and contrast): their nearest image
    in eight views is one in another view than its own, and stands out (0.9 times as far as the nearest of another
    group) or is as near as the nearest fifth of training images have theirs. Training images among each other are
    compared in the same way, so the rate below stays what it says.

    `copied`: share with d1 / d2 < 0.6, of thumbnails < 0.5, and always what is pixel for pixel a view of a training
    image. Features see what thumbnails cannot, a copy that was cropped; thumbnails see through compression and
    blur. It misses changed copies whose original has a near-duplicate that no group tells of (d2 is then small
    too), and copies changed a good deal. `copied-real`: the same share of the training images among those of other
    groups; above 0 there are near-duplicates without a group. `copy-rate@1%`: share with d1 below the bound that
    all but 1 % of training images keep from those of other groups, so fresh images have about 1 % (`expected`). It
    finds changed copies too, but takes averages of training images, which lie between them, for copies as well: far
    above `copied` it speaks of lost variety. A set drawn evenly towards the mean moves neither. Neither is a
    guarantee of privacy.

    Features are signed square roots, about the training mean and at unit length, lest a few strong channels decide.
    With Lite0 on Kvasir and ClinicDB (720 training images, 719 of other groups, 250 copies of each kind) `copied` finds
    all flipped and turned copies, all saved as JPEG of quality 75 or 30, all with changed colours, all blurred by 2 px
    and 92 % of crops of 95 %; without thumbnails 98 % of JPEG 75, 13 % of JPEG 30, none of the blurred and 87 % of the
    crops. The rate finds 85 % of JPEG 30, 5 % of the blurred and all others. Of the images of other groups `copied`
    takes none for copies and the rate 1 %.

    What is approximate: only the view that thumbnails choose is compared, and only where they come near. Comparing all
    training images in all views with the network, which takes 31 times as many passes, finds 2.8 points more of the
    crops that are turned as well, of which thumbnails leave out 2 %, and of no other kind more; of the images of other
    groups it takes 0.1 and 3.2 % for copies.
    """

    version = 4
    of_images = True
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
        near, own, twins = _compared(real, fake, space, copied)
        bound = np.quantile(own.first, self.params.alpha)
        sizes, about = (len(own.first), len(near.first)), "8 views, other groups"
        by_ratio = f"share with d1/d2 < {self.params.ratio:g}, of thumbnails < {self.params.thumbnail_ratio:g}, {about}"
        or_equal = f"{by_ratio}, or equal pixels"
        by_bound = f"share with d1 < {bound:.3g}, the {self.params.alpha:g} quantile among real images, {about}"
        ids = tuple(sample.id for sample in fake.samples)
        usual = float(self._stands_out(own).mean())
        headline = _share(near.equal | self._stands_out(near), sizes, or_equal, ids)
        hits = near.equal | (near.first < bound)
        return {
            copied: replace(headline, matches=_closest(near), note=_notes(headline, usual, twins)),
            among: Score(value=usual, n_real=sizes[0], n_fake=sizes[1], estimator=f"{by_ratio} of real images"),
            rate: replace(_share(hits, sizes, by_bound, ids), note=_few(self.params.alpha, sizes[0])),
            expected: Score(
                value=self.params.alpha,
                n_real=sizes[0],
                n_fake=sizes[1],
                estimator="what fresh images of the training set's kind have",
            ),
        }

    def _stands_out(self, near: Nearest) -> np.ndarray:
        """Whether each image is far nearer to one real image than to all others, in either space."""
        return (near.ratio < self.params.ratio) | (near.small < self.params.thumbnail_ratio)


def _compared(real: ImageSet, fake: ImageSet, space: Space, name: str) -> tuple[Nearest, Nearest, Digests]:
    """Synthetic images among real ones, real ones among those of other groups, and which of these may have a twin."""
    index, x = feature_pair(real, fake, name)
    if space.pixels is None or space.turned is None:
        raise BenchError(f"{name}: features alone; pixels of the images and features of turned ones are needed")
    views, small = in_all_views(thumbnails(real, space)), in_all_views(thumbnails(fake, space))[0]
    twins = _twins(real, views, space)
    group = _groups(real, twins, name)
    alike, usual = nearest(small, views, group), nearest(views[0], views, group, own=group)
    limit, centre = np.quantile(usual.first, NEAREST), _root(index).mean(axis=0)
    index, x = unit(index, centre), unit(x, centre)

    def among(images: ImageSet, x: np.ndarray, alike: Nearest, own: np.ndarray | None = None) -> Nearest:
        plain, rows = nearest(x, index[None], group, own), _may_be_turned(alike, limit)
        if not len(rows):
            return plain
        back = unit(_turned_back(images, rows, alike.view[rows], space), centre)
        turned = nearest(back, index[None], group, None if own is None else own[rows])
        return _nearer(plain, replace(turned, view=alike.view[rows]), rows)

    near, own = among(fake, x, alike), among(real, index, usual, group)
    near = replace(near, equal=_equal(alike, real, fake, twins, space), small=alike.ratio)
    return near, replace(own, small=usual.ratio), twins


def _may_be_turned(alike: Nearest, limit: float) -> np.ndarray:
    """Rows of images that look most like a real one in another view than their own, and stand out by that or are near.

    `alike`: of their thumbnails.
    """
    near = (alike.first < STANDS_OUT * alike.second) | (alike.first <= limit)
    return np.flatnonzero(near & (alike.view > 0))


def _turned_back(images: ImageSet, rows: np.ndarray, views: np.ndarray, space: Space) -> np.ndarray:
    """Features of some images, each turned back from a view."""
    assert space.turned is not None
    back = [(images.samples[row], undone(int(view))) for row, view in zip(rows, views, strict=True)]
    features = space.turned(back)
    for (sample, view), found in zip(back, features, strict=True):
        if not np.isfinite(found).all():
            raise BenchError(f"copying: features of image {sample.id}, {VIEWS[view]}, are not finite numbers")
    return features


def _nearer(plain: Nearest, turned: Nearest, rows: np.ndarray) -> Nearest:
    """Of some images, the `rows`, what they are nearer to when turned back."""
    found = {name: getattr(plain, name).copy() for name in ("first", "second", "real", "view")}
    closer = turned.first < plain.first[rows]
    for name, values in found.items():
        values[rows[closer]] = getattr(turned, name)[closer]
    return replace(plain, **found)


def _twins(real: ImageSet, views: np.ndarray, space: Space) -> Digests:
    """Of the real images that may have an equal one: a view of another looks just like them."""
    alone = np.arange(views.shape[1])
    return digests_of(real, np.flatnonzero(nearest(views[0], views, alone, own=alone).first < SAME), space)


def _groups(real: ImageSet, twins: Digests, name: str) -> np.ndarray:
    """Of each real image, int (n,)."""
    group = joined(groups_of(real), twins)
    if group.max() < 2:
        equal = ", of which equal ones count as one" if occurring_twice(twins) else ""
        raise BenchError(f"{name}: {group.max() + 1} group(s) of real images{equal}; d2 needs at least 3")
    return group


def _equal(alike: Nearest, real: ImageSet, fake: ImageSet, twins: Digests, space: Space) -> np.ndarray:
    """Whether each synthetic image is a view of the real one it looks like, or of one that hardly differs from that."""
    rows = np.flatnonzero(alike.first < SAME)
    originals = {*twins.values(), *digests_of(real, np.unique(alike.real[rows]), space).values()}
    made = digests_of(fake, rows, space)
    return np.array([made.get(row) in originals for row in range(len(alike.first))])


def _root(features: np.ndarray) -> np.ndarray:
    return np.sign(features) * np.sqrt(np.abs(features))


def unit(features: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Signed square roots of features (..., d) from `centre`, each row of length 1 (0 where it lies on the centre)."""
    away = _root(features) - centre
    return away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), np.finfo(away.dtype).tiny)


def _share(hits: np.ndarray, sizes: tuple[int, int], estimator: str, ids: tuple[str, ...]) -> Score:
    from bench.stats.binomial import binomial_interval

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
    plain = {"equal": np.zeros(len(x), dtype=bool), "small": np.ones(len(x))}
    return Nearest(first=first, second=second, real=near, view=view, **plain)


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
