"""Which pairs of a synthetic set stay: `alignment>=0.5`, `not-copied`, `top=80%:alignment`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.errors import BenchError

NOT_COPIED = "not-copied"
COPYING = "copying"
"""The metric that tells of each image whether it is a copy: 1, or 0."""
_BOUND = re.compile(r"(?P<metric>[\w-]+)(?P<sign>>=|<=)(?P<number>-?[\d.]+(e-?\d+)?)")
_BEST = re.compile(r"top=(?P<percent>[\d.]+)%:(?P<metric>[\w-]+)")
FORMS = "alignment>=0.5, not-copied, top=80%:alignment, or several of them with commas"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """On a metric's value of each image: within bounds, or among the `best` percent of its set."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    best: float | None = None

    def __str__(self) -> str:
        if self == _UNCOPIED:
            return "not copied"
        if self.best is not None:
            return f"best {_plain(self.best)} % in {self.metric}"
        sign, number = ("<=", self.at_most) if self.at_least is None else (">=", self.at_least)
        return f"{self.metric} {sign} {_plain(number)}"


def _plain(number: float | None) -> str:
    """All digits: two rules never bear one name."""
    return repr(number).removesuffix(".0")


_UNCOPIED = Condition(metric=COPYING, at_most=0.0)


@dataclass(frozen=True)
class KeepRule:
    """A pair stays where all conditions hold; `best` is one of the whole set's."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.conditions))

    @property
    def metrics(self) -> tuple[str, ...]:
        """That it asks, each once."""
        return tuple(dict.fromkeys(one.metric for one in self.conditions))


def parse_keep(text: str) -> KeepRule:
    """BenchError for what is none of the forms."""
    conditions = {_condition(part.strip(), text) for part in text.split(",")}
    # In one order, each once: it is the same rule, however it is written.
    return KeepRule(tuple(sorted(conditions, key=str)))


def _condition(part: str, whole: str) -> Condition:
    if part == NOT_COPIED:
        return _UNCOPIED
    best, bound = _BEST.fullmatch(part), _BOUND.fullmatch(part)
    number = _number(best["percent"] if best else bound["number"] if bound else "")
    if bound and number is not None:
        side = "at_least" if bound["sign"] == ">=" else "at_most"
        return Condition(metric=bound["metric"], **{side: number})
    if best and number is not None and 0 < number < 100:
        return Condition(metric=best["metric"], best=number)
    raise BenchError(f"--keep {whole}: {part!r} is no rule; write {FORMS}")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
