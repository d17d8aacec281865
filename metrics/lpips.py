"""Perceptual distance of image pairs: to the real image of the same mask, to unrelated ones, and within a mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.contracts import Context, ImageSet, Measure, Metric, Score, Space, param
from bench.errors import BenchError
from bench.stats.bootstrap import mean_interval
from metrics._pairs import INTRA, MASKS, PAIRED, RANDOM, REAL, SAMPLES, Pair, pairs_of

GAP = "gap"
PUBLISHED = "LPIPS-"
WORDS = {
    PAIRED: "synthetic images, each with its mask's real image",
    GAP: "synthetic images of paired minus random-pair",
    INTRA: f"masks (at most {MASKS}) of all pairs of its samples (at most {SAMPLES})",
    RANDOM: "synthetic images, each with an unrelated real image",
    REAL: "real images, each with an unrelated one",
}
TRAP = (
    "images that share only a mask are about as far apart as unrelated ones: read the gap; a copy of the real image "
    "is at 0"
)
NO_PAIRS = "no synthetic image has its mask's real image in the reference: nothing paired can be given"
NO_REAL = "the reference has none of these masks' images, so real images are not compared with each other"


@dataclass(frozen=True)
class Params:
    """By which distance of two images."""

    extractors: str = param("lpips", "pair distances in order of preference, separated by commas")


@dataclass(frozen=True)
class Column:
    """Values of one measure, one an image or a mask, with their ids and what is not independent of what."""

    values: np.ndarray
    ids: tuple[str, ...]
    clusters: tuple[str, ...]


class Lpips(Metric):
    """Mean LPIPS of each synthetic image and the real image of its mask; lower is more alike.

    Named by the space: `LPIPS-<net>@<size>`, elsewhere `perceptual-<label>`. With only a mask in common the two are
    nearly as far apart as unrelated images, so beside it stand the distance to the real image of a mask of another
    group (`random-pair`, a reference) and the `gap`, paired minus random-pair image by image: below 0, images follow
    their own mask's image. Copies of the training images are best at both: see what else the suite says of copying.
    `intra-mask`: mean over masks of the mean distance between samples of one mask, higher is more diverse, 0 where the
    mask determines the image; beside it `real-real`, the distance of real images of unrelated masks.
    Intervals are bootstraps over groups (masks, where there are none), of the images' differences for the gap.

    Each image passes the network once, whatever pairs it stands in, and that bounds the time: with Lite0 on Kvasir and
    ClinicDB a pass at 256 px takes 1.3 times that of the features (as 256² to 224²), and the two pairs of a synthetic
    image together 6 % of a pass.
    """

    version = 2
    requires = ("torch",)
    cite = "Zhang et al., CVPR 2018"
    Params = Params
    uses = "distances"

    def measures(self, label: str) -> tuple[Measure, ...]:
        name = label if label.startswith(PUBLISHED) else f"perceptual-{label}"
        return (
            Measure(name, headline=True, sees=("wrong", "strangers")),
            Measure(f"{name} {GAP}", sees=("strangers",)),
            Measure(f"{name} {INTRA}", "higher", sees=("collapse",)),
            Measure(f"{name} {RANDOM}", "", sees=()),
            Measure(f"{name} {REAL}", "", sees=()),
        )

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        kinds = (PAIRED, GAP, INTRA, RANDOM, REAL)
        names = dict(zip(kinds, [measure.name for measure in self.measures(space.label)], strict=True))
        pairs = pairs_of(real.samples, fake.samples, ctx.seed)
        columns = _columns(pairs, _measured(pairs, space, names[PAIRED]))
        notes, sizes = _notes(columns, len(fake.samples)), (len(real.samples), len(fake.samples))
        return {
            names[kind]: _score(columns[kind], WORDS[kind], notes.get(kind, ""), sizes, ctx.seed)
            for kind in kinds
            if kind in columns
        }


def _measured(pairs: Sequence[Pair], space: Space, name: str) -> np.ndarray:
    """float64 (n,). Raises BenchError where nothing can be compared, or a distance is no number."""
    if space.distances is None:
        raise BenchError(f"{name}: no pair distances; name an extractor that gives distances")
    if not pairs:
        raise BenchError(f"{name}: nothing to compare, a set is empty; give images of both")
    found = space.distances([(pair.one, pair.other) for pair in pairs]).astype(np.float64)
    if not np.isfinite(found).all():
        pair = pairs[int(np.flatnonzero(~np.isfinite(found))[0])]
        raise BenchError(f"{name}: the distance of {pair.one.image} and {pair.other.image} is not a finite number")
    return found


def _columns(pairs: Sequence[Pair], distances: np.ndarray) -> dict[str, Column]:
    """By kind: the mean distance of what each pair counts for."""
    rows: dict[str, dict[str, list[int]]] = {}
    for row, pair in enumerate(pairs):
        rows.setdefault(pair.kind, {}).setdefault(pair.of, []).append(row)
    columns = {
        kind: Column(
            np.array([distances[places].mean() for places in found.values()]),
            tuple(found),
            tuple(pairs[places[0]].cluster for places in found.values()),
        )
        for kind, found in rows.items()
    }
    if PAIRED in columns and RANDOM in columns:
        paired, random = columns[PAIRED], columns[RANDOM]
        assert paired.ids == random.ids
        columns[GAP] = Column(paired.values - random.values, paired.ids, paired.clusters)
    return columns


def _notes(columns: Mapping[str, Column], n_fake: int) -> dict[str, str]:
    """What a reader must be warned of, by kind."""
    if PAIRED not in columns:
        return {RANDOM: NO_PAIRS, INTRA: NO_REAL}
    count = len(columns[PAIRED].values)
    few = f"; {n_fake - count} of {n_fake} synthetic images have no real partner" if count < n_fake else ""
    return {PAIRED: TRAP + few}


def _score(column: Column, words: str, note: str, sizes: tuple[int, int], seed: int) -> Score:
    low, high = mean_interval(column.values, column.clusters, seed) or (None, None)
    score = Score(
        value=float(column.values.mean()),
        n_real=sizes[0],
        n_fake=sizes[1],
        low=low,
        high=high,
        per_image=column.values,
        ids=column.ids,
    )
    return replace(score, note=note, estimator=f"mean over {len(column.values)} {words}; bootstrap over groups")
