"""A line on one test set: per-image scores of each training, and the bootstrap's draws."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.segscores import PER_IMAGE, SHAPE, Columns, Reading, as_columns, readings
from bench.stats.bootstrap import bounds, clusters, draw_weights, left_out_weights, spread
from bench.text import unguarded

Place = tuple[str, str]
"""A score's name and the third of lesion sizes, empty for all images."""


@dataclass(frozen=True, eq=False)
class TestScores:
    """`seeds`: columns of the same images, one a training; `readings`: what they tell, the same of each training;
    `ids`, `groups`: of each image.

    A score is that of each training, averaged: pooled counts and bins are never pooled over trainings, where the error
    of one could make up for that of another.
    """

    seeds: tuple[Columns, ...]
    draws: np.ndarray | None
    readings: Mapping[Place, Reading]
    ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    _drawn: dict[Place, np.ndarray | None] = field(default_factory=dict, repr=False)

    @property
    def n(self) -> int:
        return len(self.seeds[0]["tp"])

    def values(self, place: Place) -> list[float]:
        """One score a training."""
        plain = np.ones((1, self.n))
        return [float(self.readings[place].of(columns, plain)[0]) for columns in self.seeds]

    def value(self, place: Place) -> float:
        return float(np.mean(self.values(place)))

    def sd(self, place: Place) -> float | None:
        return spread(self.values(place))

    def resampled(self, place: Place) -> np.ndarray | None:
        """(r,) for an interval; nan where a draw has no image in which the score is defined. Kept for overall."""
        if place not in self._drawn:
            self._drawn[place] = self._resample(place)
        return self._drawn[place]

    def n_clusters(self, place: Place) -> int:
        """Groups of images, and images without one, that the score rests on."""
        return len(np.unique(clusters(self.groups)[self.readings[place].over]))

    def _resample(self, place: Place) -> np.ndarray | None:
        if self.draws is None or self.n_clusters(place) < 2:
            return None
        return np.mean([self.readings[place].resampled(columns, self.draws) for columns in self.seeds], axis=0)

    def under(self, place: Place, weights: np.ndarray) -> np.ndarray:
        """The score, averaged over trainings, under each row of `weights` (r, n)."""
        return np.mean([self.readings[place].of(columns, weights) for columns in self.seeds], axis=0)

    def without_each(self, place: Place) -> np.ndarray:
        """The score without one cluster of images, (clusters,)."""
        return self.under(place, _left_out(self.groups))

    def per_image(self, place: Place) -> np.ndarray | None:
        """(n,), averaged over trainings, nan where an image has none; None for a score of pixels summed over a set."""
        if place[0] not in (*PER_IMAGE, *SHAPE):
            return None
        return np.where(
            self.readings[place].over, np.mean([columns[place[0]] for columns in self.seeds], axis=0), np.nan
        )

    def interval(self, place: Place) -> tuple[float, float] | None:
        return interval(self.resampled(place))


def over_seeds(tables: Sequence[Sequence[Mapping[str, Any]]], seed: int) -> TestScores:
    """`tables`: per-image rows of the same images, one table a training."""
    seeds = tuple(as_columns(table) for table in tables)
    found = {(one.metric, one.stratum): one for one in readings(seeds[0])}
    ids, groups = (tuple(row[name] for row in tables[0]) for name in ("id", "group"))
    return TestScores(seeds, _draws(groups, seed), found, ids, groups)


@functools.lru_cache(maxsize=16)
def _draws(groups: tuple[str, ...], seed: int) -> np.ndarray | None:
    """The lines of a run are tested on the same images, and share their draws."""
    return draw_weights(groups, seed)


@functools.lru_cache(maxsize=16)
def _left_out(groups: tuple[str, ...]) -> np.ndarray:
    return left_out_weights(groups)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Per-image scores that a stage wrote with `csv_text`."""
    with path.open(newline="", encoding="utf-8") as stream:
        return [{name: unguarded(cell) for name, cell in row.items()} for row in csv.DictReader(stream)]


def interval(draws: np.ndarray | None) -> tuple[float, float] | None:
    """95 %, over those draws in which the score is defined."""
    if draws is None or not np.isfinite(draws).any():
        return None
    return bounds(draws[np.isfinite(draws)])
