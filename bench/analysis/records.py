"""A run's manifest and the store -> its records, each read and verified once."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bench.analysis.test_scores import Draws, ImageScores, TestScores, of_images, over_trainings, read_rows
from bench.contracts import TRAINING
from bench.identity import derive_seed
from bench.segscores.maps import SCORES_FILE
from bench.store.artefacts import Store
from bench.store.run_manifest import Comparison, Row, RunManifest
from bench.store.score_file import Basis, Scored, load_scores


@dataclass(frozen=True, eq=False, kw_only=True)
class SetRecord:
    """What one metric said of one synthetic set in one space. `sets`: keys of all sets of that generator."""

    comparison: Comparison
    sets: tuple[str, ...]
    basis: Basis
    scored: Sequence[Scored]


@dataclass(frozen=True, eq=False, kw_only=True)
class RowRecord:
    """What a row scored on each test set whose records exist; `updates`: of each training, None where not known."""

    row: Row
    tests: dict[str, TestScores]
    updates: int | None

    @property
    def lacking(self) -> tuple[str, ...]:
        """Test sets it has no scores of."""
        return tuple(test for test in self.row.scores if test not in self.tests)


@dataclass(frozen=True, eq=False, kw_only=True)
class Records:
    """All that has come of a run so far."""

    manifest: RunManifest
    sets: tuple[SetRecord, ...]
    rows: tuple[RowRecord, ...]


def unscored(runs: Sequence[Records]) -> list[str]:
    """A sentence on the rows that were planned and have no scores of all test sets; none where all have."""
    names = dict.fromkeys(
        f"{one.row.segmenter}, {one.row.trained_on}" for run in runs for one in run.rows if one.lacking
    )
    return [f"without all scores: {'; '.join(names)} (the command that began it goes on)"] if names else []


class RecordReader:
    """Reads and verifies each record once, however many rows and runs share it, and resamples each test set once.

    It lives as long as a report. What failed (its key is in `failed`) is simply not there. Every method raises
    BenchError for a record whose bytes have changed.
    """

    def __init__(self, store: Store, failed: Collection[str] = ()) -> None:
        self._store, self._failed, self._draws = store, failed, Draws()
        self._scores: dict[str, tuple[Basis, Sequence[Scored]] | None] = {}
        self._images: dict[str, ImageScores | None] = {}
        self._tests: dict[tuple[tuple[str, ...], int], TestScores | None] = {}
        self._updates: dict[str, int | None] = {}

    def run(self, manifest: RunManifest) -> Records:
        seed = manifest.protocol.seed
        return Records(
            manifest=manifest,
            sets=self.sets(manifest.comparisons),
            rows=tuple(self._row(row, seed) for row in manifest.rows),
        )

    def sets(self, comparisons: Sequence[Comparison]) -> tuple[SetRecord, ...]:
        """Scores of every synthetic set whose record exists."""
        made: dict[str, dict[str, None]] = {}
        for one in comparisons:
            made.setdefault(one.generator, {})[one.synthetic] = None
        found = [(one, self._set(one.key)) for one in comparisons]
        return tuple(
            SetRecord(comparison=one, sets=tuple(made[one.generator]), basis=read[0], scored=read[1])
            for one, read in found
            if read
        )

    def _set(self, key: str) -> tuple[Basis, Sequence[Scored]] | None:
        if key not in self._scores:
            self._scores[key] = load_scores(self._store.path("score", key)) if self._finished("score", key) else None
        return self._scores[key]

    def _row(self, row: Row, seed: int) -> RowRecord:
        read = {test: self._test(keys, derive_seed(seed, 0, "bootstrap", test)) for test, keys in row.scores.items()}
        updates = {self._updates_of(model) for model in row.models}
        return RowRecord(
            row=row,
            tests={test: scores for test, scores in read.items() if scores is not None},
            # None where a network counts none, where its folder is gone, or where repeats differ.
            updates=updates.pop() if len(updates) == 1 else None,
        )

    def _test(self, keys: tuple[str, ...], seed: int) -> TestScores | None:
        if (keys, seed) not in self._tests:
            trainings = [scores for key in keys if (scores := self._images_of(key)) is not None]
            complete = len(trainings) == len(keys)
            self._tests[keys, seed] = over_trainings(trainings, seed, self._draws) if complete else None
        return self._tests[keys, seed]

    def _images_of(self, key: str) -> ImageScores | None:
        if key not in self._images:
            path = self._store.path("segscore", key) / SCORES_FILE
            self._images[key] = of_images(read_rows(path)) if self._finished("segscore", key) else None
        return self._images[key]

    def _updates_of(self, model: str) -> int | None:
        if model not in self._updates:
            path = self._store.path("train", model) / TRAINING
            self._updates[model] = None
            if path.is_file():
                self._store.verify("train", model, only=TRAINING)
                self._updates[model] = json.loads(path.read_text(encoding="utf-8"))["updates"]
        return self._updates[model]

    def _finished(self, action: str, key: str) -> bool:
        if key in self._failed or not self._store.has(action, key):
            return False
        self._store.verify(action, key)
        return True
