"""A run's records -> its numbers, one record each: of synthetic sets, and of rows on test sets. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.estimate import Counts, Estimate, Resampled, mean_over_sets
from bench.analysis.mean_over_repeats import mean_floor, mean_over_repeats
from bench.analysis.origin import SetOrigin, Source, TrainedRow, Training, trained_row
from bench.analysis.records import Records, RowRecord, SetRecord
from bench.analysis.test_scores import Place, TestScores
from bench.contracts import Floor, Measure
from bench.segscores import METRICS, better
from bench.stats.bootstrap import standard_deviation
from bench.store.score_file import Basis

OVERALL = "overall"
OVERALL_UNWEIGHTED = "overall-unweighted"


@dataclass(frozen=True, kw_only=True)
class SetScore:
    """One number of a generator's synthetic sets, averaged over repeats. `metric`: the plugin's
    name, `space`: the extractor's or segmenter's; `n`: images of a set; `record`: the artefact
    that it was read from, of the first; `sd`: over `repeats`, None for one.
    """

    origin: SetOrigin
    metric: str
    space: str
    measure: Measure
    stratum: str
    estimate: Estimate
    sd: float | None
    repeats: int
    floor: Floor | None
    n: int
    n_real: int
    basis: Basis
    estimator: str
    note: str
    record: str

    @property
    def value(self) -> float:
        return self.estimate.value

    @property
    def low(self) -> float | None:
        return self.estimate.low

    @property
    def high(self) -> float | None:
        return self.estimate.high


@dataclass(frozen=True, kw_only=True)
class RowScore:
    """One number of a row on a test set, or over all of them; `sd` is over repeats."""

    row: TrainedRow
    test_set: str
    metric: str
    better: str
    stratum: str
    estimate: Estimate
    sd: float | None
    counts: Counts
    note: str
    record: str


def set_scores(records: Sequence[SetRecord], source: Source) -> list[SetScore]:
    """Every number of the synthetic sets, averaged over repeats."""
    return [score for same in of_one_generator(records) for score in _of_sets(same, source)]


def of_one_generator(records: Sequence[SetRecord]) -> list[list[SetRecord]]:
    """What one metric said in one space of the sets that a generator made, one a repeat."""
    alike: dict[tuple[str, ...], list[SetRecord]] = {}
    for one in records:
        asked = one.comparison
        alike.setdefault((asked.generator, asked.metric, asked.space, one.basis.reference), []).append(one)
    return list(alike.values())


def _of_sets(records: Sequence[SetRecord], source: Source) -> Iterator[SetScore]:
    first = records[0]
    found = [{(one.measure.name, one.stratum): one.score for one in record.scored} for record in records]
    for one in first.scored:
        place = (one.measure.name, one.stratum)
        scores = [of_set[place] for of_set in found if place in of_set]
        values = [score.value for score in scores]
        yield SetScore(
            origin=source.sets_of(first.comparison.generator, first.sets),
            metric=first.comparison.metric,
            space=first.comparison.space,
            measure=one.measure,
            stratum=one.stratum,
            estimate=mean_over_repeats([Estimate(score.value, score.low, score.high) for score in scores]),
            sd=standard_deviation(values),
            repeats=len(values),
            floor=mean_floor([score.floor for score in scores if score.floor]),
            n=one.score.n_fake,
            n_real=one.score.n_real,
            basis=first.basis,
            estimator=one.score.estimator,
            note=_joined([score.note for score in scores]),
            record=f"score/{first.comparison.key}",
        )


def _joined(notes: Sequence[str]) -> str:
    """Of all repeats; where they differ, each under its own number."""
    if len(set(notes)) < 2:
        return notes[0]
    return "; ".join(f"repeat {number}: {note}" for number, note in enumerate(notes, 1) if note)


def row_scores(run: Records) -> list[RowScore]:
    """Every number of a run's rows, whose records exist."""
    scores = []
    for record in run.rows:
        row = trained_row(run.manifest, record)
        places = dict.fromkeys(place for one in record.tests.values() for place in one.readings)
        of_row = [score for place in places for score in _at_place(row, record, place)]
        scores += sorted(of_row, key=lambda score: METRICS.index(score.metric))
    return scores


def _at_place(row: TrainedRow, record: RowRecord, place: Place) -> Iterator[RowScore]:
    """A score on every test set in which it is defined, and over all sets."""
    having = {test: one for test, one in record.tests.items() if place in one.readings}
    numbers = {test: one.at(place) for test, one in having.items()}
    for test, one in having.items():
        name, note = test.removeprefix("test/"), one.readings[place].note
        yield _row_score(row, place, numbers[test], test_set=name, note=note, record=_artefact(record, test))
    if len(having) < len(record.row.scores):
        # A set failed, or has no lesion: a mean over the rest would stand in one column with means over all.
        return
    first = _artefact(record, next(iter(having)))
    for name, weighted in ((OVERALL, True), (OVERALL_UNWEIGHTED, False)):
        whole, note = mean_over_sets(list(numbers.values()), weighted), "each set's own third" if place[1] else ""
        yield _row_score(row, place, whole, test_set=name, note=note, record=first)


def _artefact(record: RowRecord, test: str) -> str:
    return f"segscore/{record.row.scores[test][0]}"


def _row_score(row: TrainedRow, place: Place, number: Resampled, *, test_set: str, note: str, record: str) -> RowScore:
    metric, stratum = place
    return RowScore(
        row=row,
        test_set=test_set,
        metric=metric,
        better=better(metric),
        stratum=stratum,
        estimate=number.estimate,
        sd=number.sd,
        counts=number.counts,
        note=note,
        record=record,
    )


@dataclass(frozen=True, eq=False)
class ScoredRow:
    """A row of the leaderboard with what it scored on each test set, and the sets it has no scores of."""

    about: TrainedRow
    tests: Mapping[str, TestScores]
    lacking: tuple[str, ...] = ()

    @property
    def training(self) -> Training:
        return self.about.training


@dataclass(frozen=True, eq=False, kw_only=True)
class ScoredRun:
    """The rows of a run, which scores are shown, which generators' rows the others are compared with, and the least
    difference that matters. `lacking`: keys of the rows that would be compared and have no scores of all images;
    `blind`: networks whose row to compare with was planned and has no scores.
    """

    columns: tuple[str, ...]
    controls: tuple[str, ...]
    margin: float
    rows: tuple[ScoredRow, ...]
    lacking: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()


def scored_runs(runs: Sequence[Records]) -> list[ScoredRun]:
    """Rows that were tested on anything. A row of several runs bears the words of the last."""
    described = {
        record.row.key: trained_row(run.manifest, record) for run in runs for record in run.rows if record.tests
    }
    return [
        ScoredRun(
            columns=run.manifest.columns,
            controls=run.manifest.controls,
            margin=run.manifest.protocol.margin,
            rows=tuple(
                ScoredRow(described[record.row.key], record.tests, record.lacking)
                for record in run.rows
                if record.tests
            ),
            lacking=tuple(
                record.row.key
                for record in run.rows
                if record.lacking and record.row.generator not in (*run.manifest.unranked, *run.manifest.controls)
            ),
            blind=tuple(
                record.row.segmenter
                for record in run.rows
                if not record.tests and record.row.generator in run.manifest.controls[:1] and record.row.kind == "added"
            ),
        )
        for run in runs
    ]
