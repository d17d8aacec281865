"""How often a measure tells a worse control from a better one, where it is known which is worse. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.analysis.certificate import Check
from bench.analysis.set_differences import SetDifference
from bench.contracts import Must


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """Of `pairs` of doses, one known to be worse, the measure told so many `right` and `wrong`, beyond its interval.

    Only pairs whose difference has an interval count.
    """

    measure: str
    pairs: int
    right: int
    wrong: int


def sensitivities(checks: Sequence[Check], differences: Sequence[SetDifference]) -> list[Sensitivity]:
    """Of every measure of sets that has to worsen with a dose: over each two neighbouring doses."""
    pairs: dict[str, list[tuple[str, str]]] = {}
    for one in checks:
        if one.truth.metric and one.truth.must == Must.WORSEN and not one.blind and one.seen:
            pairs.setdefault(one.number, []).extend(pairwise(one.control.generators))
    known = [one for one in differences if one.estimate.bounds]
    called = {(one.measure.name, frozenset((one.a, one.b))): one.favoured for one in known}
    return [_of(measure, found, called) for measure, found in pairs.items()]


def _of(measure: str, pairs: Sequence[tuple[str, str]], called: dict[tuple[str, frozenset[str]], str]) -> Sensitivity:
    places = [((measure, frozenset(pair)), pair) for pair in pairs]
    answers = [(called[place], pair) for place, pair in places if place in called]
    return Sensitivity(
        measure=measure,
        pairs=len(answers),
        right=sum(favoured == weaker for favoured, (weaker, _) in answers),
        wrong=sum(favoured == stronger for favoured, (_, stronger) in answers),
    )
