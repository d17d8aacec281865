"""Pairs of synthetic sets of one run, compared with each other under the measures that rank. Pure.

Two sets are scored against the same real images: what the scores share cancels in their difference, so its interval is
narrower than two intervals laid side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from types import MappingProxyType

from bench.analysis.estimate import Estimate
from bench.analysis.mean_over_repeats import mean_over_repeats
from bench.analysis.records import SetRecord
from bench.analysis.score_rows import of_one_generator
from bench.contracts import Measure
from bench.stats.jackknife import difference
from bench.store.score_file import ALL

MOST = 4
"""Differences told below a table; all of them stand in a file."""


@dataclass(frozen=True, kw_only=True)
class SetDifference:
    """The measure's value for set `a` less that for set `b`.

    Averaged over `repeats`. `n`: images that both sets have, where they are paired by id; else those of the smaller
    set.
    """

    measure: Measure
    a: str
    b: str
    estimate: Estimate
    method: str
    n: int
    repeats: int = 1

    @property
    def favoured(self) -> str:
        """The better of the two sets; empty where the interval holds 0 or the measure ranks nothing."""
        if not self.measure.better or not self.estimate.without_zero:
            return ""
        return self.a if (self.estimate.value < 0) == (self.measure.better == "lower") else self.b


def set_differences(
    found: Sequence[SetRecord], seed: int, filtered: Mapping[str, str] = MappingProxyType({})
) -> list[SetDifference]:
    """Every two generators, the later less the earlier one, where the scores hold what an interval is taken from.

    `filtered`: sets that are parts of a generator's. Two of one generator share images, and are not compared.
    """
    alike: dict[tuple[str, str, str], list[list[SetRecord]]] = {}
    for same in of_one_generator(found):
        asked, basis = same[0].comparison, same[0].basis
        alike.setdefault((asked.metric, asked.space, basis.reference), []).append(same)
    pairs = [pair for sets in alike.values() for pair in combinations(sets, 2)]
    apart = [(one, other) for one, other in pairs if _whole(one, filtered) != _whole(other, filtered)]
    return [row for early, late in apart for row in _over_repeats(late, early, seed)]


def _whole(found: Sequence[SetRecord], filtered: Mapping[str, str]) -> str:
    """The generator whose set it is, or is a part of."""
    name = found[0].comparison.generator
    return filtered.get(name, name)


def _over_repeats(a: Sequence[SetRecord], b: Sequence[SetRecord], seed: int) -> Iterator[SetDifference]:
    """Repeat by repeat; a generator that made one set for all repeats has it in each."""
    count = max(len(a), len(b))
    if {len(a), len(b)} - {1, count}:
        return
    rows = [list(_between(a[at % len(a)], b[at % len(b)], seed)) for at in range(count)]
    by_measure: dict[str, list[SetDifference]] = {}
    for row in (row for of_repeat in rows for row in of_repeat):
        by_measure.setdefault(row.measure.name, []).append(row)
    for same in by_measure.values():
        if len(same) == count:
            yield replace(same[0], estimate=mean_over_repeats([one.estimate for one in same]), repeats=count)


def _between(a: SetRecord, b: SetRecord, seed: int) -> Iterator[SetDifference]:
    """Of one repeat, over whole sets only: thirds are for looking, and would triple the comparisons."""
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
