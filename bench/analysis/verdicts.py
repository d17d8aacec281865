"""Rows of one segmenter compared on the same test images: each with its control, and all with the best. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import product

from bench.analysis.estimate import Estimate, Resampled, mean_over_sets
from bench.analysis.origin import Training
from bench.analysis.paired import paired, same_images
from bench.analysis.score_rows import OVERALL, OVERALL_UNWEIGHTED, RowScore, ScoredRow, ScoredRun
from bench.contracts import SOURCES
from bench.segscores import better
from bench.stats.confidence import variances
from bench.stats.holm import holm, holm_levels
from bench.stats.power import Spread, images_needed, least_difference, repeats_needed
from bench.stats.student import LEVEL

REAL = "real"
"""What a row was trained on that was trained on the real images alone."""
HELPS, HARMS, WITHIN, UNDECIDED = "helps", "harms", "no more than the margin", "undecided"


@dataclass(frozen=True)
class Spot:
    """A number of the leaderboard: a row by its training's key, a test set, a score."""

    row: str
    test_set: str
    metric: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Verdict:
    """The score of a row less that of its control, `baseline`, on the same images, and what follows from it.

    `number`: the difference in each repeat and under draws; `level`: of its interval, above 0.95 where Holm's
    correction asks for it; `p_holm`, `comparisons`: None where it is none of those that are corrected together, as the
    row of a generator that is a control (`unranked`) is none. `margin`: the least difference that matters.
    `baseline_pairs`: of an epoch; `baseline_varied`: as the training's `varied`.
    """

    generator: str
    training: Training
    baseline: str
    baseline_pairs: int | None
    test_set: str
    metric: str
    number: Resampled
    margin: float
    baseline_varied: tuple[str, ...] = ()
    unranked: bool = False
    level: float = LEVEL
    p_holm: float | None = None
    comparisons: int | None = None

    @property
    def adds(self) -> bool:
        """Whether the row was trained on the real pairs with a generator's added."""
        return self.training.kind == "added"

    @property
    def better(self) -> str:
        return better(self.metric)

    @property
    def sources(self) -> tuple[str, ...]:
        """What changes from repeat to repeat in the row or in its baseline."""
        return tuple(one for one in SOURCES if one in (*self.training.varied, *self.baseline_varied))

    @cached_property
    def estimate(self) -> Estimate:
        """At its level."""
        return Estimate(self.number.value, *(self.number.interval(self.level) or (None, None)))

    @property
    def p_value(self) -> float | None:
        """Two-sided, not corrected; None where no interval can be had."""
        sure = self.number.confidence
        return sure.p_value() if sure else None

    @property
    def p_false(self) -> float | None:
        """Probability that the difference has the other sign than the one seen (Christodoulou et al. 2025)."""
        sure = self.number.confidence
        return None if sure is None else min(sure.below(0), 1 - sure.below(0))

    @property
    def word(self) -> str:
        """What the interval says of the difference; empty where there is none."""
        bounds = self.estimate.bounds
        if bounds is None:
            return ""
        # Of one repeat p has a least value, which many comparisons multiply.
        if not bounds[0] <= 0 <= bounds[1] and (self.p_holm is None or self.p_holm < 1 - LEVEL):
            return HELPS if (self.number.value > 0) == (self.better == "higher") else HARMS
        return WITHIN if -self.margin < bounds[0] and bounds[1] < self.margin else UNDECIDED

    @property
    def not_worse(self) -> bool:
        """Whether the row is worse by less than the margin: the bound on its bad side lies within it."""
        bounds = self.estimate.bounds
        if bounds is None:
            return False
        return bounds[0] > -self.margin if self.better == "higher" else bounds[1] < self.margin

    @cached_property
    def spread(self) -> Spread | None:
        """Of repeats and of test images; None where no interval can be had."""
        draws, images = self.number.defined, self.number.counts.clusters
        if draws is None:
            return None
        parts = variances(draws, self.number.by_repeat)
        return Spread(
            repeat=math.sqrt(parts.repeat), image=math.sqrt(parts.image * images), both=math.sqrt(parts.both * images)
        )

    @property
    def least(self) -> float | None:
        """The smallest difference that four of five such designs show; None where no interval can be had."""
        spread = self.spread
        if spread is None:
            return None
        return least_difference(spread, len(self.number.by_repeat), self.number.counts.clusters, level=self.level)

    @property
    def needed(self) -> tuple[int | None, int | None]:
        """Repeats on these images, and images in groups as large as these, that would show the margin."""
        spread, repeats, counts = self.spread, len(self.number.by_repeat), self.number.counts
        if spread is None:
            return None, None
        more = repeats_needed(spread, self.margin, counts.clusters, self.level) if repeats > 1 else None
        groups = images_needed(spread, self.margin, repeats, self.level)
        return more, None if groups is None else math.ceil(groups * counts.images / counts.clusters)


def verdicts(runs: Sequence[ScoredRun]) -> list[Verdict]:
    """Every row less its run's control, in the profile's conventions; what several runs share is one comparison.

    p is corrected over the first convention of the first run, over all images. A row that differs in no image makes no
    comparison, as the same training under another name; nor do two names of one training make two, nor controls any.
    A row that was planned and has no scores of all images makes one: what fails must not make the others surer.
    """
    found = {_identity(one): one for run in runs for one in _of_run(run)}
    place = (OVERALL, runs[0].columns[0])
    family: dict[tuple[object, ...], list[tuple[object, ...]]] = {}
    for name, one in found.items():
        counted = (one.test_set, one.metric) == place and not one.unranked and one.p_value is not None
        if counted and (one.estimate.low, one.estimate.high) != (0, 0):
            # What two names of one training have in common, to the last digit.
            scope = one.training.scope
            same = (one.training.segmenter, scope.data, scope.profile, one.estimate, one.p_value)
            family.setdefault(same, []).append(name)
    lacking = {name for run in runs for name in run.lacking}
    p_values = [*(float(found[names[0]].p_value or 0) for names in family.values()), *(1.0 for _ in lacking)]
    for names, p, level in zip(family.values(), holm(p_values), holm_levels(p_values), strict=False):
        for name in names:
            found[name] = replace(found[name], p_holm=p, level=level, comparisons=len(p_values))
    return list(found.values())


def in_first_convention(found: Sequence[Verdict]) -> list[Verdict]:
    """Those over all test images, in the convention whose p is corrected, else in the first."""
    whole = [one for one in found if one.test_set == OVERALL]
    metric = next((one.metric for one in whole if one.comparisons), whole[0].metric if whole else "")
    return [one for one in whole if one.metric == metric]


def _identity(one: Verdict) -> tuple[object, ...]:
    place = (one.training, one.baseline, one.baseline_pairs, one.test_set, one.metric)
    return *place, one.number.value, one.unranked, one.margin


def _of_run(run: ScoredRun) -> Iterator[Verdict]:
    for (row, control), metric in product(_controlled(run), run.columns):
        # Repeats in which nothing has changed are one, and must not be counted as several.
        once = row.training.repeats == control.training.repeats == 1
        for test, number in contrasts(row, control, metric).items():
            yield Verdict(
                generator=row.about.made.generator,
                training=row.training,
                baseline=control.training.trained_on,
                baseline_pairs=control.training.pairs,
                baseline_varied=control.training.varied,
                test_set=test,
                metric=metric,
                number=number.once if once else number,
                margin=run.margin,
                unranked=row.about.made.control,
            )


def _controlled(run: ScoredRun) -> Iterator[tuple[ScoredRow, ScoredRow]]:
    """Every row with the control of its segmenter; none where that control has no scores, for another would be easier
    or harder to beat."""
    segmenters = dict.fromkeys(row.training.segmenter for row in run.rows)
    for segmenter in (one for one in segmenters if one not in run.blind):
        own = [row for row in run.rows if row.training.segmenter == segmenter]
        pairs = ((row, _control_of(row, own, run.controls)) for row in own)
        yield from ((row, control) for row, control in pairs if control is not None and control is not row)


def _control_of(row: ScoredRow, own: Sequence[ScoredRow], controls: Sequence[str]) -> ScoredRow | None:
    """The row of the first control there is, else of the real pairs with as many updates, else of the real pairs."""
    wanted = [one for name in controls for one in own if one.about.made.generator == name]
    if row.training.kind == "added":
        equal = [one for one in own if one.training.kind == "equal-updates"]
        wanted += [one for one in equal if one.training.pairs == row.training.pairs]
    wanted += [one for one in own if one.training.trained_on == REAL]
    return wanted[0] if wanted else None


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


def contrasts(one: ScoredRow, other: ScoredRow, metric: str) -> dict[str, Resampled]:
    """`one` - `other` on each test set that both have, and over all where both have all."""
    found = {
        test.removeprefix("test/"): pair
        for test, tested in one.tests.items()
        if test in other.tests and (pair := paired(tested, other.tests[test], (metric, ""))) is not None
    }
    parts = list(found.values())
    if parts and len(parts) == len(one.tests) + len(one.lacking) == len(other.tests) + len(other.lacking):
        found[OVERALL], found[OVERALL_UNWEIGHTED] = mean_over_sets(parts, True), mean_over_sets(parts, False)
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


def _as_good(number: Resampled | None) -> bool:
    if number is None:
        return False
    low, high = number.estimate.bounds or (number.value, number.value)
    return low <= 0 <= high
