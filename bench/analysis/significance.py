"""Lines of one segmenter compared on the same test images: each with its control, and all with the best. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

from bench.analysis.paired import PairedDifference, overall, paired, same_images
from bench.analysis.score_rows import OVERALL, OVERALL_UNWEIGHTED, ScoreRow
from bench.analysis.test_scores import TestScores
from bench.plugins.profile import ON_TEST
from bench.segscores import better
from bench.stats.rank_test import holm

REAL = "real"
"""The row of a line trained on the real images alone."""

Spot = tuple[str, str, str]
"""Key of a line, test set, score: a number of the leaderboard."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A line of the leaderboard: one of its rows, what it scored on each test set, and the sets it has no scores of."""

    about: ScoreRow
    tests: Mapping[str, TestScores]
    lacking: tuple[str, ...] = ()

    @property
    def block(self) -> tuple[str, ...]:
        """Lines that may be compared: one network under one protocol on the same data, selected in the same way."""
        about = self.about
        on_test = ON_TEST if ON_TEST in about.settings else ""
        return about.segmenter, about.dataset, about.data, about.profile, on_test


@dataclass(frozen=True)
class Gain:
    """`difference`: the score of `row` less that of `baseline` on the same images, averaged over `seeds` trainings.

    `low`, `high`: 95 % over test images; `sd_seeds`: standard deviation of the difference over trainings, and whether
    it is `beyond_seeds`. `p_holm` is corrected for the `comparisons` of its table; None where it is none of them.
    `pairs`, `baseline_pairs`: of an epoch of either training.
    """

    segmenter: str
    test_set: str
    metric: str
    row: str
    baseline: str
    difference: float
    low: float | None
    high: float | None
    method: str
    p_wilcoxon: float | None
    p_holm: float | None
    comparisons: int | None
    n_images: int
    n_clusters: int
    seeds: int
    sd_seeds: float | None
    beyond_seeds: bool | None
    better: str
    dataset: str
    data: str
    profile: str
    settings: str
    line: str
    pairs: int | None
    baseline_pairs: int | None


def gains(runs: Sequence[tuple[Mapping[str, Any], Sequence[Trained]]]) -> list[Gain]:
    """Every line less its run's control, in the profile's conventions; what several runs share is one comparison.

    p is corrected over the first convention of the first run, over all images. A line that differs in no image makes no
    comparison, as the same training under another name; nor do two names of one training make two.
    """
    found = list(dict.fromkeys(gain for manifest, lines in runs for gain in _of_run(manifest, lines)))
    place = (OVERALL, runs[0][0]["columns"][0])
    p_values = {one: one.p_wilcoxon for one in found if (one.test_set, one.metric) == place}
    family = {one: _finding(one) for one, p in p_values.items() if p is not None and (one.low, one.high) != (0, 0)}
    distinct = {finding: one.p_wilcoxon for one, finding in family.items()}
    corrected = dict(zip(distinct, holm([p for p in distinct.values() if p is not None]), strict=True))
    return [
        replace(one, p_holm=corrected[family[one]], comparisons=len(distinct)) if one in family else one
        for one in found
    ]


def _finding(gain: Gain) -> tuple[object, ...]:
    """What two names of one training have in common, to the last digit."""
    return gain.segmenter, gain.data, gain.profile, gain.difference, gain.low, gain.high, gain.p_wilcoxon


def _of_run(manifest: Mapping[str, Any], lines: Sequence[Trained]) -> Iterator[Gain]:
    for (line, control), metric in product(_controlled(manifest, lines), manifest["columns"]):
        for test, pair in contrasts(line, control, metric).items():
            yield _gain(line, control, metric, test, pair)


def _controlled(manifest: Mapping[str, Any], lines: Sequence[Trained]) -> Iterator[tuple[Trained, Trained]]:
    """Every line with the control of its segmenter."""
    for segmenter in dict.fromkeys(line.about.segmenter for line in lines):
        own = [line for line in lines if line.about.segmenter == segmenter]
        control = _control(manifest["controls"], own)
        if control is not None:
            yield from ((line, control) for line in own if line is not control)


def unpaired(runs: Sequence[tuple[Mapping[str, Any], Sequence[Trained]]]) -> list[str]:
    """A sentence for each line that cannot be compared over all images."""
    pairs = [pair for manifest, lines in runs for pair in _controlled(manifest, lines)]
    return [sentence for line, control in pairs if (sentence := _unpaired(line, control))]


def _unpaired(line: Trained, control: Trained) -> str:
    names = dict.fromkeys([*line.tests, *line.lacking, *control.tests, *control.lacking])
    other = [
        name.removeprefix("test/") for name in names
        if name not in line.tests or name not in control.tests
        or not same_images(line.tests[name], control.tests[name])
    ]  # fmt: skip
    about, against = line.about, control.about.row
    reason = f"{', '.join(other)}: no scores of both on the same images"
    return f"{about.segmenter}, {about.row} is not compared with {against} over all images; {reason}" if other else ""


def _control(controls: Sequence[str], lines: Sequence[Trained]) -> Trained | None:
    """The line of the first control there is, else that of the real images alone."""
    wanted = [line for name in controls for line in lines if line.about.generator == name]
    return next(iter([*wanted, *(line for line in lines if line.about.row == REAL)]), None)


def _gain(line: Trained, control: Trained, metric: str, test: str, pair: PairedDifference) -> Gain:
    low, high, method = pair.interval() or (None, None, "")
    about = line.about
    return Gain(
        about.segmenter, test, metric, about.row, control.about.row, pair.value, low, high, method, pair.p_value(),
        None, None, pair.n, pair.n_clusters, about.seeds, pair.sd,
        pair.beyond_training, better(metric), about.dataset, about.data,
        about.profile, about.settings, about.line, about.pairs, control.about.pairs,
    )  # fmt: skip


def contrasts(one: Trained, other: Trained, metric: str) -> dict[str, PairedDifference]:
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


def ties(lines: Sequence[Trained], rows: Sequence[ScoreRow], metrics: Sequence[str]) -> set[Spot]:
    """Of each block and column, the best and every line whose difference to it has 0 within its interval.

    A line alone is the best of nothing. Where no interval can be had, only a line with the same value is as good.
    """
    trained = {line.about.line: line for line in lines}
    columns: dict[tuple[str, ...], list[ScoreRow]] = {}
    for row in rows:
        if row.line in trained and row.metric in metrics and not row.stratum:
            columns.setdefault((*trained[row.line].block, row.test_set, row.metric), []).append(row)
    compare = cache(contrasts)
    found: set[Spot] = set()
    for column in columns.values():
        best = (max if column[0].better == "higher" else min)(column, key=lambda row: row.value)
        for row in column if len({row.line for row in column}) > 1 else ():
            pairs = {} if row is best else compare(trained[best.line], trained[row.line], row.metric)
            if row is best or _as_good(pairs.get(row.test_set)):
                found.add((row.line, row.test_set, row.metric))
    return found


def _as_good(pair: PairedDifference | None) -> bool:
    if pair is None:
        return False
    low, high, _ = pair.interval() or (pair.value, pair.value, "")
    return low <= 0 <= high
