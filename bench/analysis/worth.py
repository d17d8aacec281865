"""How many real pairs a synthetic set stands for: its row read on the learning curve of real pairs. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.estimate import Resampled, mean_over_sets
from bench.analysis.origin import Training
from bench.analysis.score_rows import OVERALL, ScoredRow
from bench.analysis.verdicts import contrasts
from bench.identity import derive_seed
from bench.plan.worth_sets import LEAST_SHARES
from bench.segscores import better
from bench.stats.joint import joint_draws
from bench.stats.learning_curve import images_reaching, rising
from bench.stats.student import LEVEL
from bench.store.worth_manifest import CurvePoint, OnCurve, WorthManifest

BELOW, ABOVE = "<", ">"
UNKNOWN = "?"
"""Where the curve does not rise, no number of images says what a score is worth."""


@dataclass(frozen=True)
class Amount:
    """A number of images, or what it is less or more than: where the curve was not measured, there is no number.

    With the bound UNKNOWN there is neither, and `value` is nan.
    """

    value: float
    bound: str = ""

    def less(self, images: int) -> Amount:
        """So many images fewer."""
        return Amount(self.value - images, self.bound)

    def per(self, images: int) -> Amount:
        """As a share of so many images."""
        return Amount(self.value / images, self.bound)


Span = tuple[Amount, Amount]


@dataclass(frozen=True, eq=False, kw_only=True)
class Point:
    """A point of the curve: what it scored over all test images; `fitted`: on the isotonic mean."""

    about: CurvePoint
    score: Resampled
    fitted: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Worth:
    """What a generator's set is worth to one network in one score.

    `like`: the number of real pairs whose network scores as this one; `span`: its 95 % interval, None where none can
    be had. Both are bounds outside what was measured: below the row's own real pairs, and beyond all there are.
    """

    about: OnCurve
    training: Training
    control: bool
    metric: str
    score: Resampled
    like: Amount
    span: Span | None

    @property
    def worth(self) -> Amount:
        """Real pairs that it stands for: beside those it was added to."""
        return self.like.less(self.about.real)

    @property
    def worth_span(self) -> Span | None:
        return self.span and (self.span[0].less(self.about.real), self.span[1].less(self.about.real))

    @property
    def exchange(self) -> Amount:
        """Real pairs that one synthetic pair stands for."""
        return self.worth.per(self.about.synthetic)

    @property
    def exchange_span(self) -> Span | None:
        count = self.about.synthetic
        return self.worth_span and (self.worth_span[0].per(count), self.worth_span[1].per(count))


@dataclass(frozen=True, eq=False, kw_only=True)
class LearningCurve:
    """The curve of one network in one score, and the sets read on it; `notes`: what is not there, and why."""

    segmenter: str
    metric: str
    points: tuple[Point, ...]
    sets: tuple[Worth, ...]
    notes: tuple[str, ...] = ()


def learning_curves(manifest: WorthManifest, rows: Sequence[ScoredRow], columns: Sequence[str]) -> list[LearningCurve]:
    """One for each network and score. `rows`: those whose records exist; `columns`: the scores."""
    seed = derive_seed(manifest.run.protocol.seed, 0, "bootstrap", "repeats")
    segmenters = dict.fromkeys(row.segmenter for row in manifest.run.rows)
    by_place = {(row.training.segmenter, row.training.trained_on): row for row in rows if not row.lacking}
    curves = []
    for segmenter in segmenters:
        own = {name: row for (network, name), row in by_place.items() if network == segmenter}
        curves += [_curve(manifest, own, segmenter, metric, seed) for metric in columns]
    return curves


def _curve(
    manifest: WorthManifest, rows: Mapping[str, ScoredRow], segmenter: str, metric: str, seed: int
) -> LearningCurve:
    having = {name: score for name, row in rows.items() if (score := overall(row, metric)) is not None}
    there = [one for one in manifest.curve if one.trained_on in having]
    notes = [
        f"{segmenter}, {name}: not finished, and has no place on the curve"
        for name in (*(one.trained_on for one in manifest.curve), *(one.trained_on for one in manifest.sets))
        if name not in having
    ]
    notes += [
        f"{segmenter}, {one.trained_on}: no finished share above its {one.real:,} real pairs, so nothing is read"
        for one in manifest.sets
        if one.trained_on in having and there and there[-1].pairs <= one.real
    ]
    if len(there) < LEAST_SHARES:
        return LearningCurve(segmenter=segmenter, metric=metric, points=(), sets=(), notes=tuple(notes))
    sign = 1 if better(metric) == "higher" else -1
    fitted = sign * rising(np.array([[sign * having[one.trained_on].value] for one in there]))[:, 0]
    points = [
        Point(about=one, score=having[one.trained_on], fitted=float(at)) for one, at in zip(there, fitted, strict=True)
    ]
    return LearningCurve(
        segmenter=segmenter,
        metric=metric,
        points=tuple(points),
        sets=tuple(_worths(manifest.sets, there, rows, having, metric, seed=seed)),
        notes=tuple(notes),
    )


def overall(row: ScoredRow, metric: str) -> Resampled | None:
    """The score over all test images; None where a test set lacks it."""
    if row.lacking or not all((metric, "") in tested.readings for tested in row.tests.values()):
        return None
    return mean_over_sets([tested.at((metric, "")) for tested in row.tests.values()], True)


def _worths(
    sets: Sequence[OnCurve],
    points: Sequence[CurvePoint],
    rows: Mapping[str, ScoredRow],
    having: Mapping[str, Resampled],
    metric: str,
    *,
    seed: int,
) -> Iterator[Worth]:
    for one in (one for one in sets if one.trained_on in having):
        row = rows[one.trained_on]
        found = [contrasts(rows[point.trained_on], row, metric).get(OVERALL) for point in points]
        gaps = [gap for gap in found if gap is not None]
        if len(gaps) < len(points) or points[-1].pairs <= one.real:
            continue
        like, span = read_off(gaps, [point.pairs for point in points], one.real, better(metric), seed=seed)
        yield Worth(
            about=one,
            training=row.training,
            control=row.about.made.control,
            metric=metric,
            score=having[one.trained_on],
            like=like,
            span=span,
        )


def read_off(
    gaps: Sequence[Resampled], images: Sequence[int], real: int, direction: str = "higher", *, seed: int = 0
) -> tuple[Amount, Span | None]:
    """The number of real images whose network scores as the row does, and its 95 % interval.

    `gaps`: each point of the curve less the row, repeat by repeat on the same draws of test images; `images`: of each
    point; `real`: those that the row itself has. Draws are read off one by one, isotonic mean and all, and the interval
    is between their percentiles: as Fieller's for a ratio, it has no end where the draws leave the curve.
    """
    sign, least = (1 if direction == "higher" else -1), max(real, images[0])
    plain = sign * np.array([[gap.value] for gap in gaps])
    fitted = rising(plain)[np.asarray(images) >= least]
    if fitted[0] == fitted[-1]:
        return Amount(math.nan, UNKNOWN), None
    low, high = (float(side[0]) for side in images_reaching(plain, images))
    # Where the curve is level at the score: the middle, in the logarithm as the curve is drawn.
    middle = math.sqrt(low * high) if math.isfinite(low) and math.isfinite(high) else low
    like = amount(middle, least, images[-1])
    draws = [gap.draws for gap in gaps]
    if any(one is None for one in draws):
        return like, None
    stacked = np.stack([one for one in draws if one is not None])
    whole = np.isfinite(stacked).all((0, 1))
    if not whole.any():
        return like, None
    numbers = [(one[:, whole], gap.by_repeat) for one, gap in zip(stacked, gaps, strict=True)]
    fewest, most = images_reaching(sign * joint_draws(numbers, seed), images)
    # An order statistic: between a number and what has none, nothing can be interpolated.
    ends = (
        float(np.quantile(fewest, (1 - LEVEL) / 2, method="lower")),
        float(np.quantile(most, (1 + LEVEL) / 2, method="higher")),
    )
    return like, (amount(ends[0], least, images[-1]), amount(ends[1], least, images[-1]))


def amount(images: float, least: int, most: int) -> Amount:
    """A bound outside of `least` to `most` images, which were measured."""
    if images < least:
        return Amount(least, BELOW)
    return Amount(most, ABOVE) if images > most else Amount(images)
