"""Which measure of a synthetic set goes with the gain of the rows that were trained on it. Pure.

Kendall's tau-b over rows. Both sides are uncertain: a draw takes groups of test images and repeats anew, the same for
all rows, and each set's measure anew within its own interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.analysis.components import with_noise
from bench.analysis.estimate import Estimate
from bench.analysis.origin import SetOrigin
from bench.analysis.score_rows import ScoredRow, SetScore
from bench.analysis.verdicts import Verdict
from bench.contracts import Measure
from bench.identity import derive_seed
from bench.stats.bootstrap import bounds
from bench.stats.joint import joint_draws
from bench.stats.rank_correlation import tau_b
from bench.stats.student import NORMAL_HALF
from bench.store.score_file import ALL

LEAST_ROWS = 6
"""Below it the order of rows says nothing."""
KINDS: Mapping[str, str] = {"added": "synthetic sets added to the real pairs", "only": "synthetic sets alone"}
"""Training sets whose rows are never ordered together: to leave the real pairs out costs what no set makes up for."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Point:
    """A row with a synthetic set: the set's `measure`, and what the row scores more than its baseline.

    Rows of one set, `made`, share its measure.
    """

    made: SetOrigin
    measure: Estimate
    verdict: Verdict

    @property
    def sign(self) -> int:
        """-1 where a smaller score is better."""
        return 1 if self.verdict.better == "higher" else -1

    @property
    def gain(self) -> Estimate:
        """Above 0 where the row is better than its baseline; the 95 % interval is not corrected."""
        found = self.verdict.number.estimate
        if self.sign > 0:
            return found
        return Estimate(-found.value, *(-bound for bound in reversed(found.bounds or ())))


@dataclass(frozen=True, eq=False, kw_only=True)
class Predictor:
    """How far the order of rows by a measure is that by their gain.

    `tau`: 1 where the better set has always the larger gain, -1 where always the smaller; its 95 % interval is one of
    these rows, None where a gain has no draws or rows have unequal repeats. `p_chance`: how often rows in random order
    have a tau as far from 0. `trained_on`: one of `KINDS`.
    """

    segmenter: str
    trained_on: str
    measure: Measure
    points: tuple[Point, ...]
    tau: Estimate
    p_chance: float

    @property
    def unsure(self) -> int:
        """Rows whose measure has no interval, and is taken as it is."""
        return sum(point.measure.bounds is None for point in self.points)


def predictors(
    rows: Sequence[ScoredRow], sets: Sequence[SetScore], found: Sequence[Verdict], seed: int
) -> tuple[list[Predictor], list[str]]:
    """One for each headline measure, network and kind of training set; a sentence for what has too few rows."""
    results, notes = [], []
    for (segmenter, kind), by_measure in _points(rows, sets, found).items():
        count = max(map(len, by_measure.values()))
        if count < LEAST_ROWS:
            notes.append(
                f"{segmenter}, {KINDS[kind]}: which measure goes with the gain is told of {LEAST_ROWS} rows or more "
                f"with a set and a verdict, not of {count}; --controls adds rows"
            )
        for measure, points in by_measure.items():
            one = _of_measure(points, measure, seed) if len(points) >= LEAST_ROWS else None
            if one is not None:
                results.append(replace(one, segmenter=segmenter, trained_on=kind))
    return results, notes


def _points(
    rows: Sequence[ScoredRow], sets: Sequence[SetScore], found: Sequence[Verdict]
) -> dict[tuple[str, str], dict[Measure, list[Point]]]:
    """By network and kind of training set, and by measure. A filtered set is no point: it is part of another one, and
    was chosen by a measure."""
    made = {row.training: row.about.made for row in rows}
    measured: dict[object, list[SetScore]] = {}
    for one in sets:
        if one.measure.headline and one.measure.better and one.stratum == ALL:
            measured.setdefault(one.origin.key, []).append(one)
    points: dict[tuple[str, str], dict[Measure, list[Point]]] = {}
    for verdict in with_noise(found):
        training = verdict.training
        for one in () if made[training].filtered else measured.get(made[training].key, ()):
            by_measure = points.setdefault((training.segmenter, training.kind), {})
            by_measure.setdefault(one.measure, []).append(
                Point(made=made[training], measure=one.estimate, verdict=verdict)
            )
    return points


def _of_measure(points: Sequence[Point], measure: Measure, seed: int) -> Predictor | None:
    """None where all sets measure the same, or all rows gain the same. Where it stands is not in it yet."""
    from scipy.stats import kendalltau

    better = 1 if measure.better == "higher" else -1
    measures = better * np.array([point.measure.value for point in points])
    value, p_chance = map(float, kendalltau(measures, [point.gain.value for point in points]))
    if np.isnan(value):
        return None
    own_seed = derive_seed(seed, 0, "predictors", measure.name)
    gains = _gains(points, own_seed)
    drawn = None if gains is None else tau_b(measures + _errors(points, len(gains), own_seed), gains)
    return Predictor(
        segmenter="",
        trained_on="",
        measure=measure,
        points=tuple(points),
        tau=Estimate(value, *(bounds(drawn) or (None, None))),
        p_chance=p_chance,
    )


def _errors(points: Sequence[Point], count: int, seed: int) -> np.ndarray:
    """(draws, rows): normal, as wide as each set's interval; one a set, however many rows were trained on it."""
    sets = {point.made: point.measure for point in points}
    spread = [(one.bounds[1] - one.bounds[0]) / 2 / NORMAL_HALF if one.bounds else 0.0 for one in sets.values()]
    # A stream of its own: that of the seed alone draws the repeats.
    drawn = np.random.default_rng([seed, 1]).normal(0, 1, (count, len(sets))) * spread
    order = list(sets)
    return drawn[:, [order.index(point.made) for point in points]]


def _gains(points: Sequence[Point], seed: int) -> np.ndarray | None:
    """(draws, rows): the same groups of test images and the same repeats for all rows; None where one has no draws, or
    other repeats than the rest.

    Rows share their baseline, and so what their repeats vary by.
    """
    numbers = [point.verdict.number for point in points]
    draws = [one.draws for one in numbers if one.draws is not None]
    if len(draws) < len(numbers) or len({len(one.by_repeat) for one in numbers}) > 1:
        return None
    whole = np.logical_and.reduce([np.isfinite(one).all(0) for one in draws])
    drawn = joint_draws([(one[:, whole], number.by_repeat) for one, number in zip(draws, numbers, strict=True)], seed)
    return np.array([point.sign for point in points]) * drawn.T
