"""Differences of synthetic sets -> a table that says which of two is better. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.analysis.set_differences import SetDifference
from bench.report.sets_table import decimals_of
from bench.report.table import Cell, Column, Table, named, rounded


def difference_record(one: SetDifference) -> dict[str, Any]:
    """For CSV and JSON, full precision."""
    return {
        "metric": one.measure.name,
        "a": one.a,
        "b": one.b,
        "difference": one.estimate.value,
        "low": one.estimate.low,
        "high": one.estimate.high,
        "method": one.method,
        "n": one.n,
        "repeats": one.repeats,
        "headline": one.measure.headline,
    }


def differences_table(found: Sequence[SetDifference]) -> Table:
    """One line two sets and a measure."""
    ordered = sorted(found, key=lambda one: (one.b, one.a))
    many = len({(one.a, one.b) for one in found}) > 1
    columns = (
        *([Column(name="sets")] if many else []),
        *map(Column, ("measure", "difference", "95 % interval", "better")),
    )
    lines = tuple(_line(one, many) for one in ordered)
    caption = "Differences of two sets" if many else f"Differences: {_pair(found[0])}"
    note = (
        "95 % interval of the difference itself: what both scores share, the real images, does not widen it; "
        "better –: the interval holds 0, either set may be the better one"
    )
    return Table(caption, columns, lines, (note,))


def _line(one: SetDifference, many: bool) -> tuple[Cell, ...]:
    numbers = (one.estimate.value, *(one.estimate.bounds or ()))
    decimals = decimals_of(numbers)
    value, *bounds = (rounded(number, decimals) for number in numbers)
    measure = named(one.measure.name, one.measure.better)
    texts = [*([_pair(one)] if many else []), measure, value, f"[{', '.join(bounds)}]", one.favoured or "–"]
    return tuple(Cell(text=text) for text in texts)


def _pair(one: SetDifference) -> str:
    return f"{one.a} - {one.b}"
