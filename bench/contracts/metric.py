"""How a real and a synthetic set are looked at and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.contracts.context import Context
from bench.contracts.dataset import Sample, Split
from bench.contracts.plugin import Plugin


@dataclass(frozen=True)
class ImageSet:
    """A set a metric looks at; row i of everything belongs to sample i.

    `features` (n, d); `maps`: a segmenter's probability maps × 255, one file an image (metrics that use `maps`).
    """

    samples: Split
    features: np.ndarray | None = None
    maps: tuple[Path, ...] | None = None

    def rows(self, chosen: np.ndarray) -> ImageSet:
        """The images at integer indices `chosen`."""
        return ImageSet(
            tuple(self.samples[row] for row in chosen),
            None if self.features is None else self.features[chosen],
            None if self.maps is None else tuple(self.maps[row] for row in chosen),
        )


@dataclass(frozen=True)
class Space:
    """Where a metric measures: the label of an extractor or segmenter, and pair distances where the metric uses them.

    For metrics that ask for `views`, None where there are features alone: `pixels`, a sample's image as it is compared,
    uint8 (h, w, 3), real ones resized to the synthetic set's size where that has one; and `turned`, features float32
    (n, d) of samples' images, each flipped and turned as the view of `bench.images.VIEWS` beside it says. Each of them
    is one more pass through the network: ask for few.

    `distances` takes pairs of samples and gives float32 (n,). Each image of the call goes through the network once;
    pairs that share an image should stand near each other, because its activations are held until its last pair.
    """

    label: str
    distances: Callable[[Sequence[tuple[Sample, Sample]]], np.ndarray] | None = None
    pixels: Callable[[Sample], np.ndarray] | None = None
    turned: Callable[[Sequence[tuple[Sample, int]]], np.ndarray] | None = None


@dataclass(frozen=True)
class Measure:
    """One number a metric gives, under its column name.

    `better`: `lower`, `higher`, or empty for a reference value that ranks nothing. `headline` measures stand on the
    leaderboard, the others in the table of sets. `sees`: what makes it worse than a fresh set of the same kind, each
    tested on toys: `wrong` (colours turned over), `collapse` (one image throughout), `copies` (the real set itself);
    and `strangers` (scenes that follow other masks), which make it worse than scenes that follow their own.
    """

    name: str
    better: str = "lower"
    headline: bool = False
    sees: tuple[str, ...] = ("wrong", "collapse")


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The same measure between two halves of the real set, whole groups on one side.

    Mean and standard deviation over `splits` random splits, `n` images a half; `at_n`: mean of real against synthetic
    at that same n, which is what a measure biased by n must be compared with.
    """

    value: float
    sd: float
    n: int
    splits: int
    at_n: float


@dataclass(frozen=True)
class LeftOut:
    """Values of a measure with one part of the data left out each, from which the jackknife takes its error.

    `side`: `real`, `fake`, or `both` when parts of both sets are left out together. `values`, `sizes` (parts,): the
    value without part j and how many images that part has. Scores against the same reference leave out equal parts of
    `real` in equal order, so their differences can be jackknifed.
    """

    side: str
    values: np.ndarray
    sizes: np.ndarray


@dataclass(frozen=True)
class Match:
    """A synthetic image (row of the synthetic set) and the real one nearest to it, for a reader to look at.

    `view`: which of `bench.images.VIEWS` of the real image; `distance` in the metric's own measure.
    """

    fake: int
    real: int
    view: int
    distance: float


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number with what a reader needs to weigh it. `low`/`high`: 95 % interval, both None where none is estimated.

    Numbers are finite, of Python or NumPy scalars; `low` is not above `high`; `n_real`, `n_fake` are whole, 0 or more.
    Anything else is refused before it is stored.
    `estimator` says in a few words how value and interval were computed; `note` what a reader must be warned of.
    `per_image` (n_fake or number of pairs,) with `ids`: the values a mean was taken over, for paired differences.
    """

    value: float
    n_real: int
    n_fake: int
    low: float | None = None
    high: float | None = None
    note: str = ""
    estimator: str = ""
    floor: Floor | None = None
    left_out: tuple[LeftOut, ...] = ()
    per_image: np.ndarray | None = None
    ids: tuple[str, ...] = ()
    matches: tuple[Match, ...] = ()


class Metric(Plugin):
    """Compares a real and a synthetic set.

    `Params` has a field `extractors` when `uses` is `features` or `distances`: names in order of preference, separated
    by commas; the first whose weights are present is taken.
    """

    declares = ("version", "measures", "score")
    uses: ClassVar[str] = "features"
    """`features` or `distances` of an extractor, `maps` of a segmenter trained on real images; empty: samples alone."""
    views: ClassVar[bool] = False
    """Whether it seeks copies: it gets training images, whatever the reference is, and `pixels` and `turned`."""
    of_images: ClassVar[bool] = False
    """Whether `--keep` can choose by it: its first score has a value of every synthetic image (`per_image`), and needs
    no real partner of it."""
    stratified: ClassVar[bool] = False
    """Whether it is also computed within thirds of lesion size, where each third has enough images."""

    def measures(self, label: str) -> tuple[Measure, ...]:
        """All it can give in the space labelled `label` (an extractor's or a segmenter's)."""
        raise NotImplementedError

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        """A `Score` for each of `measures(space.label)`, without those that need what the sets lack (pairs, several
        samples a mask); none where the sets have nothing it can measure. BenchError when they are too small."""
        raise NotImplementedError
