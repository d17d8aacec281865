"""Pairs of synthetic sets of one run, compared with each other under the measures that rank. Pure.

Two sets are scored against the same real images: what the scores share cancels in their difference, so its interval is
narrower than two intervals laid side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.analysis.estimate import Estimate
from bench.analysis.records import SetRecord
from bench.contracts import Measure
from bench.stats.jackknife import difference
from bench.store.score_file import ALL

MOST = 4
"""Differences told below a table; all of them stand in a file."""


@dataclass(frozen=True, kw_only=True)
class SetDifference:
    """The measure's value for set `a` less that for set `b`.

    `n`: images that both sets have, where they are paired by id; else those of the smaller set.
    """

    measure: Measure
    a: str
    b: str
    estimate: Estimate
    method: str
    n: int


def set_differences(found: Sequence[SetRecord], seed: int) -> list[SetDifference]:
    """Every pair of sets, the later less the earlier one, where the scores hold what an interval is taken from."""
    alike: dict[tuple[str, str, str], list[SetRecord]] = {}
    for one in found:
        asked = one.comparison
        alike.setdefault((asked.metric, asked.space, one.basis.reference), []).append(one)
    pairs = [pair for sets in alike.values() for pair in combinations(sets, 2)]
    return [row for early, late in pairs for row in _between(late, early, seed)]


def _between(a: SetRecord, b: SetRecord, seed: int) -> Iterator[SetDifference]:
    """Over whole sets only: thirds are for looking, and would triple the comparisons."""
    theirs = {one.measure.name: one.score for one in b.scored if one.stratum == ALL}
    for one in a.scored:
        name, ours = one.measure.name, one.score
        if one.stratum != ALL or not one.measure.better or name not in theirs:
            continue
        found = difference(ours, theirs[name], dict(zip(ours.ids, one.groups, strict=True)), seed)
        if found is not None:
            paired = len(set(ours.ids) & set(theirs[name].ids))
            yield SetDifference(
                measure=one.measure,
                a=a.comparison.generator,
                b=b.comparison.generator,
                estimate=Estimate(*found),
                method=f"bootstrap over groups of {paired} paired images" if paired else "jackknife of the difference",
                n=paired or min(ours.n_fake, theirs[name].n_fake),
            )


def sentences(found: Sequence[SetDifference]) -> list[str]:
    """Which headline differences are beyond their noise, and how many were looked at."""
    headline = [one for one in found if one.measure.headline]
    beyond = [one for one in headline if one.estimate.without_zero]
    lines = [_sentence(one) for one in beyond[:MOST]]
    if len(beyond) > MOST:
        lines.append(f"{len(beyond) - MOST} more such differences are in differences.csv")
    if beyond:
        lines.append(
            "above or below: 0 lies outside the 95 % interval of the difference itself, against the same real images; "
            f"differences looked at: {len(headline)}, not corrected for their number"
        )
    return lines


def _sentence(one: SetDifference) -> str:
    value = one.estimate.value
    bounds = one.estimate.bounds or (value, value)
    side, sign = ("above", 1) if value > 0 else ("below", -1)
    by, low, high = (f"{number:.4f}" for number in (abs(value), *sorted(sign * bound for bound in bounds)))
    return f"{one.measure.name}: {one.a} {side} {one.b} by {by} [{low}, {high}]"
