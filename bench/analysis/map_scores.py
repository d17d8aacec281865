"""Scores of probability maps that were made elsewhere, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.estimate import LEAST_CLUSTERS
from bench.analysis.test_scores import Place, TestScores, over_repeats
from bench.segscores import NAMES

EXPLAINED = (
    "stretched: each map to [0, 1] by its own minimum and maximum, as PraNet's evaluation does, so a perfect hard map "
    "scores a little below 1 in mdice@256; at 0.5: the map as it is; pooled and two-class scores are of the whole set",
    "empty masks: 0 in mdice@256 and miou@256, whatever the map; dice@0.5 and iou@0.5 are 1 where the map is empty "
    "too, otherwise 0; no recall",
)
NO_SHAPE = "S-measure, weighted F, HD95 and surface Dice, tens of milliseconds an image: --shape-scores"
SHAPE = "outlines of which one is empty: hd95 is the image's diagonal and surface Dice 0; both empty: 0 px and 1"
ALONE = (
    "images without a group count as independent; if frames of one video or images of one patient are among them, "
    "intervals are too narrow: say which in manifest.csv beside the masks (columns id, group)"
)
FEW = f"intervals of fewer than {LEAST_CLUSTERS} groups are too narrow"


@dataclass(frozen=True, kw_only=True)
class MapScore:
    """One number. `low` and `high` bound the 95 % interval, None where there are fewer than two groups of images."""

    metric: str
    stratum: str
    value: float
    low: float | None
    high: float | None
    n: int
    better: str
    unit: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class ScoredMaps:
    """`groups`: of images drawn together; `alone`: images without one; `empty`: masks without lesion; `shape`: with the
    scores of shape; `read`: what a reader must know of how the files were taken.
    """

    pred: str
    truth: str
    images: int
    groups: int
    alone: int
    empty: int
    seed: int
    shape: bool
    scores: tuple[MapScore, ...]
    read: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the scores."""
        parts = [f"{self.groups} groups"] if self.groups else []
        parts += [f"{self.alone} single images"] if self.alone else []
        return (
            *self.read,
            *([f"{self.empty} of {self.images} masks have no lesion"] if self.empty else []),
            *EXPLAINED,
            SHAPE if self.shape else NO_SHAPE,
            f"intervals: 95 %, bootstrap that draws {' and '.join(parts)}, seed {self.seed}",
            *([ALONE] if self.alone else []),
            *([FEW] if self.groups + self.alone < LEAST_CLUSTERS else []),
        )


def score_set(pred: str, truth: str, rows: Sequence[Mapping[str, Any]], seed: int, shape: bool = False) -> ScoredMaps:
    """`rows` as `score_maps` makes them. The bootstrap draws groups of images, each image of its own without one."""
    one = over_repeats([rows], seed)
    return ScoredMaps(
        pred=pred,
        truth=truth,
        images=len(rows),
        groups=len({row["group"] for row in rows if row["group"]}),
        alone=sum(not row["group"] for row in rows),
        empty=sum(row["tp"] + row["fn"] == 0 for row in rows),
        seed=seed,
        shape=shape,
        scores=tuple(_map_score(one, place) for place in one.readings),
    )


def _map_score(one: TestScores, place: Place) -> MapScore:
    metric, stratum = place
    name, reading, estimate = NAMES[metric], one.readings[place], one.estimate(place)
    return MapScore(
        metric=metric,
        stratum=stratum,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=reading.n,
        better=name.better,
        unit=name.unit,
        meaning=reading.note or name.meaning,
    )
