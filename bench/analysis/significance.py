"""Rows of one segmenter compared on the same test images: each with its control, and all with the best. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from bench.analysis.estimate import Counts, Estimate
from bench.analysis.origin import Training
from bench.analysis.paired import PairedDifference, overall, paired, same_images
from bench.analysis.score_rows import OVERALL, OVERALL_UNWEIGHTED, RowScore, ScoredRow, ScoredRun
from bench.segscores import better
from bench.stats.rank_test import holm

REAL = "real"
"""What a row was trained on that was trained on the real images alone."""


@dataclass(frozen=True)
class Spot:
    """A number of the leaderboard: a row by its training's key, a test set, a score."""

    row: str
    test_set: str
    metric: str


@dataclass(frozen=True, kw_only=True)
class RowDifference:
    """The score of a row less that of its control, `baseline`, on the same images, averaged over trainings.

    `sd`: standard deviation of the difference over trainings, and whether it is `beyond_training`. `p_holm` is
    corrected for the `comparisons` of its table; None where it is none of them, as the row of a generator that is a
    control (`unranked`) is none. `baseline_pairs`: of an epoch.
    """

    training: Training
    baseline: str
    baseline_pairs: int | None
    test_set: str
    metric: str
    better: str
    estimate: Estimate
    method: str
    counts: Counts
    sd: float | None
    beyond_training: bool | None
    p_wilcoxon: float | None
    unranked: bool = False
    p_holm: float | None = None
    comparisons: int | None = None


def row_differences(runs: Sequence[ScoredRun]) -> list[RowDifference]:
    """Every row less its run's control, in the profile's conventions; what several runs share is one comparison.

    p is corrected over the first convention of the first run, over all images. A row that differs in no image makes no
    comparison, as the same training under another name; nor do two names of one training make two, nor controls any.
    """
    differences = list(dict.fromkeys(one for run in runs for one in _of_run(run)))
    place = (OVERALL, runs[0].columns[0])
    p_values = {one: one.p_wilcoxon for one in differences if (one.test_set, one.metric) == place and not one.unranked}
    family: dict[RowDifference, tuple[object, ...]] = {}
    distinct: dict[tuple[object, ...], float] = {}
    for one, p in p_values.items():
        if p is not None and (one.estimate.low, one.estimate.high) != (0, 0):
            # What two names of one training have in common, to the last digit.
            scope = one.training.scope
            family[one] = (one.training.segmenter, scope.data, scope.profile, one.estimate, p)
            distinct[family[one]] = p
    corrected = dict(zip(distinct, holm(list(distinct.values())), strict=True))
    return [
        replace(one, p_holm=corrected[family[one]], comparisons=len(distinct)) if one in family else one
        for one in differences
    ]


def _of_run(run: ScoredRun) -> Iterator[RowDifference]:
    for (row, control), metric in product(_controlled(run), run.columns):
        for test, pair in contrasts(row, control, metric).items():
            yield _difference(row, control, metric, test, pair)


def _controlled(run: ScoredRun) -> Iterator[tuple[ScoredRow, ScoredRow]]:
    """Every row with the control of its segmenter."""
    for segmenter in dict.fromkeys(row.training.segmenter for row in run.rows):
        own = [row for row in run.rows if row.training.segmenter == segmenter]
        # The row of the first control there is, else that of the real images alone.
        wanted = [row for name in run.controls for row in own if row.about.made.generator == name]
        wanted += [row for row in own if row.training.trained_on == REAL]
        if wanted:
            yield from ((row, wanted[0]) for row in own if row is not wanted[0])


def unpaired(runs: Sequence[ScoredRun]) -> list[str]:
    """A sentence for each row that cannot be compared over all images."""
    pairs = [pair for run in runs for pair in _controlled(run)]
    return [sentence for row, control in pairs if (sentence := _unpaired(row, control))]


def _unpaired(row: ScoredRow, control: ScoredRow) -> str:
    names = dict.fromkeys([*row.tests, *row.lacking, *control.tests, *control.lacking])
    both = [name for name in names if name in row.tests and name in control.tests]
    alike = [name for name in both if same_images(row.tests[name], control.tests[name])]
    other = [name.removeprefix("test/") for name in names if name not in alike]
    about, against = row.training, control.training.trained_on
    reason = f"{', '.join(other)}: no scores of both on the same images"
    if not other:
        return ""
    return f"{about.segmenter}, {about.trained_on} is not compared with {against} over all images; {reason}"


def _difference(
    row: ScoredRow, control: ScoredRow, metric: str, test_set: str, pair: PairedDifference
) -> RowDifference:
    low, high, method = pair.interval() or (None, None, "")
    return RowDifference(
        training=row.training,
        baseline=control.training.trained_on,
        baseline_pairs=control.training.pairs,
        test_set=test_set,
        metric=metric,
        better=better(metric),
        estimate=Estimate(pair.number.value, low, high),
        method=method,
        counts=pair.counts,
        sd=pair.number.sd,
        beyond_training=pair.beyond_training,
        p_wilcoxon=pair.p_value(),
        unranked=row.about.made.control,
    )


def contrasts(one: ScoredRow, other: ScoredRow, metric: str) -> dict[str, PairedDifference]:
    """`one` - `other` on each test set that both have, and over all where both have all."""
    found = {
        test.removeprefix("test/"): pair
        for test, tested in one.tests.items()
        if test in other.tests and (pair := paired(tested, other.tests[test], (metric, ""))) is not None
    }
    parts = list(found.values())
    if parts and len(parts) == len(one.tests) + len(one.lacking) == len(other.tests) + len(other.lacking):
        found[OVERALL], found[OVERALL_UNWEIGHTED] = overall(parts, True), overall(parts, False)
    return found


def ties(rows: Sequence[ScoredRow], scores: Sequence[RowScore], metrics: Sequence[str]) -> set[Spot]:
    """Of each block and column, the best and every row whose difference to it has 0 within its interval.

    A row alone is the best of nothing, and the row of a control that is only shown is none. Where no interval can be
    had, only a row with the same value is as good.
    """
    trained = {row.training.key: row for row in rows if not row.about.made.control}
    columns: dict[tuple[object, ...], list[RowScore]] = {}
    for score in scores:
        row = trained.get(score.row.training.key)
        if row is not None and score.metric in metrics and not score.stratum:
            columns.setdefault((row.training.block, score.test_set, score.metric), []).append(score)
    compare = cache(contrasts)
    found: set[Spot] = set()
    for column in columns.values():
        best = (max if column[0].better == "higher" else min)(column, key=lambda score: score.estimate.value)
        first = trained[best.row.training.key]
        for score in column if len({score.row.training.key for score in column}) > 1 else ():
            key = score.row.training.key
            pairs = {} if score is best else compare(first, trained[key], score.metric)
            if score is best or _as_good(pairs.get(score.test_set)):
                found.add(Spot(key, score.test_set, score.metric))
    return found


def _as_good(pair: PairedDifference | None) -> bool:
    if pair is None:
        return False
    low, high, _ = pair.interval() or (pair.number.value, pair.number.value, "")
    return low <= 0 <= high
