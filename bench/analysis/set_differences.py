"""Pairs of synthetic sets of one run, compared with each other under the measures that rank. Pure.

Two sets are scored against the same real images: what the scores share cancels in their difference, so its interval is
narrower than two intervals laid side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.analysis.score_rows import Compared
from bench.stats.jackknife import difference
from bench.store.score_file import ALL

MOST = 4
"""Differences told below a table; all of them stand in a file."""


@dataclass(frozen=True)
class Difference:
    """`difference`: the measure's value for set `a` less that for set `b`; `low`, `high`: its 95 % interval.

    `n`: images that both sets have, where they are paired by id; else those of the smaller set.
    """

    metric: str
    a: str
    b: str
    difference: float
    low: float
    high: float
    method: str
    n: int
    headline: bool = False


def differences(found: Sequence[Compared], seed: int) -> list[Difference]:
    """Every pair of sets, the later less the earlier one, where the scores hold what an interval is taken from."""
    alike: dict[tuple[str, str, str], list[Compared]] = {}
    for one in found:
        alike.setdefault((one.metric, one.space, one.about["reference"]), []).append(one)
    pairs = [pair for sets in alike.values() for pair in combinations(sets, 2)]
    return [row for early, late in pairs for row in _between(late, early, seed)]


def _between(a: Compared, b: Compared, seed: int) -> Iterator[Difference]:
    """Over whole sets only: thirds are for looking, and would triple the comparisons."""
    theirs = {one.measure.name: one.score for one in b.scored if one.stratum == ALL}
    for one in a.scored:
        name, ours = one.measure.name, one.score
        if one.stratum != ALL or not one.measure.better or name not in theirs:
            continue
        interval = difference(ours, theirs[name], dict(zip(ours.ids, one.groups, strict=True)), seed)
        if interval is not None:
            paired = len(set(ours.ids) & set(theirs[name].ids))
            method = f"bootstrap over groups of {paired} paired images" if paired else "jackknife of the difference"
            n = paired or min(ours.n_fake, theirs[name].n_fake)
            yield Difference(name, a.generator, b.generator, *interval, method, n, one.measure.headline)


def sentences(found: Sequence[Difference]) -> list[str]:
    """Which headline differences are beyond their noise, and how many were looked at."""
    headline = [one for one in found if one.headline]
    beyond = [one for one in headline if one.low > 0 or one.high < 0]
    lines = [_sentence(one) for one in beyond[:MOST]]
    if len(beyond) > MOST:
        lines.append(f"{len(beyond) - MOST} more such differences are in differences.csv")
    if beyond:
        lines.append(
            "above or below: 0 lies outside the 95 % interval of the difference itself, against the same real images; "
            f"differences looked at: {len(headline)}, not corrected for their number"
        )
    return lines


def _sentence(one: Difference) -> str:
    side, sign = ("above", 1) if one.difference > 0 else ("below", -1)
    by, low, high = (f"{value:.4f}" for value in (abs(one.difference), *sorted((sign * one.low, sign * one.high))))
    return f"{one.metric}: {one.a} {side} {one.b} by {by} [{low}, {high}]"
