"""A row on one test set: per-image scores of each training, and the same under the bootstrap's draws."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.analysis.estimate import Counts, Estimate, Resampled
from bench.segscores import Columns, Reading, as_columns, limits, readings
from bench.stats.bootstrap import clusters, draw_weights
from bench.stats.student import widened
from bench.text import unguarded

Place = tuple[str, str]
"""A score's name and the third of lesion sizes, empty for all images."""


class Draws:
    """How often each image is drawn, made once for all rows that are tested on the same images.

    It lives as long as a report: a matrix has 2000 rows of as many numbers as a test set has images.
    """

    def __init__(self) -> None:
        self._drawn: dict[tuple[tuple[str, ...], int], np.ndarray | None] = {}

    def drawn(self, groups: tuple[str, ...], seed: int) -> np.ndarray | None:
        """(r, n), as `draw_weights` makes them."""
        if (groups, seed) not in self._drawn:
            self._drawn[groups, seed] = draw_weights(groups, seed)
        return self._drawn[groups, seed]


@dataclass(frozen=True, eq=False)
class ImageScores:
    """Scores of every image of a test set under one training; `ids`, `groups`: of each image."""

    columns: Columns
    ids: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class TestScores:
    """`repeats`: columns of the same images, one a repeat; `readings`: what they tell, the same of each repeat;
    `ids`, `groups`: of each image; `weights`: the bootstrap's draws (r, n), None for a single cluster; `resampled`:
    each score under them.

    A score is that of each repeat, averaged: pooled counts and bins are never pooled over repeats, where the error
    of one could make up for that of another.
    """

    repeats: tuple[Columns, ...]
    readings: Mapping[Place, Reading] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    weights: np.ndarray | None = None
    resampled: Mapping[Place, np.ndarray | None] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return len(self.repeats[0]["tp"])

    def values(self, place: Place) -> np.ndarray:
        """One score a repeat."""
        return self.under(place, np.ones((1, self.n)))[:, 0]

    def value(self, place: Place) -> float:
        return float(np.mean(self.values(place)))

    def counts(self, place: Place) -> Counts:
        """Of the images that the score rests on."""
        reading = self.readings[place]
        return Counts(images=reading.n, clusters=_clusters(self.groups, reading))

    def at(self, place: Place) -> Resampled:
        """The score with all that is known of its uncertainty."""
        return Resampled(
            by_repeat=self.values(place),
            draws=self.resampled[place],
            counts=self.counts(place),
            limits=limits(place[0]),
        )

    def estimate(self, place: Place) -> Estimate:
        return self.at(place).estimate

    def under(self, place: Place, weights: np.ndarray) -> np.ndarray:
        """The score of each repeat under each row of `weights` (r, n): (repeats, r)."""
        return np.stack([self.readings[place].of(columns, weights) for columns in self.repeats])


def over_repeats(tables: Sequence[Sequence[Mapping[str, Any]]], seed: int, draws: Draws | None = None) -> TestScores:
    """`tables`: per-image rows of the same images, one table a repeat."""
    return over_trainings([of_images(table) for table in tables], seed, draws or Draws())


def of_images(rows: Sequence[Mapping[str, Any]]) -> ImageScores:
    ids, groups = (tuple(row[name] for row in rows) for name in ("id", "group"))
    return ImageScores(as_columns(rows), ids, groups)


def over_trainings(trainings: Sequence[ImageScores], seed: int, draws: Draws) -> TestScores:
    """`trainings`: one a repeat, tested on the same images."""
    first, repeats = trainings[0], tuple(one.columns for one in trainings)
    found = {(one.metric, one.stratum): one for one in readings(first.columns)}
    weights = draws.drawn(first.groups, seed)
    return TestScores(
        repeats=repeats,
        readings=found,
        ids=first.ids,
        groups=first.groups,
        weights=weights,
        resampled={place: _resampled(one, repeats, first.groups, weights) for place, one in found.items()},
    )


def _resampled(
    reading: Reading, repeats: Sequence[Columns], groups: Sequence[str], weights: np.ndarray | None
) -> np.ndarray | None:
    """(repeats, r) for an interval; nan where a draw has no image in which the score is defined."""
    count = _clusters(groups, reading)
    if weights is None or count < 2:
        return None
    plain = np.ones((1, weights.shape[1]))
    return np.stack(
        [widened(reading.resampled(one, weights), float(reading.of(one, plain)[0]), count) for one in repeats]
    )


def _clusters(groups: Sequence[str], reading: Reading) -> int:
    """Groups of images, and images without one, that the score rests on."""
    return len(np.unique(clusters(groups)[reading.over]))


def read_rows(path: Path) -> list[dict[str, str]]:
    """Per-image scores that a stage wrote with `csv_text`."""
    with path.open(newline="", encoding="utf-8") as stream:
        return [{name: unguarded(cell) for name, cell in row.items()} for row in csv.DictReader(stream)]
