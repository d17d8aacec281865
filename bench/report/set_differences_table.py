"""Differences of synthetic sets -> a table that says which of two is better. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.score_rows import ScoreRow
from bench.analysis.set_differences import Difference
from bench.report.sets_table import ARROWS, decimals_of
from bench.report.table import Cell, Column, Table, rounded


def differences_table(found: Sequence[Difference], rows: Sequence[ScoreRow]) -> Table:
    """One line two sets and a measure; `rows` are the sets' scores, which know each measure's direction."""
    better = {row.metric: row.better for row in rows}
    ordered = sorted(found, key=lambda one: (one.b, one.a))
    many = len({(one.a, one.b) for one in found}) > 1
    columns = (*([Column("sets")] if many else []), *map(Column, ("measure", "difference", "95 % interval", "better")))
    lines = tuple(_line(one, better[one.metric], many) for one in ordered)
    caption = "Differences of two sets" if many else f"Differences: {_pair(found[0])}"
    note = (
        "95 % interval of the difference itself: what both scores share, the real images, does not widen it; "
        "better –: the interval holds 0, either set may be the better one"
    )
    return Table(caption, columns, lines, (note,))


def _line(one: Difference, better: str, many: bool) -> tuple[Cell, ...]:
    numbers = (one.difference, one.low, one.high)
    decimals = decimals_of(numbers)
    value, low, high = (rounded(number, decimals) for number in numbers)
    texts = [*([_pair(one)] if many else []), one.metric + ARROWS[better], value, f"[{low}, {high}]"]
    return tuple(Cell(text=text) for text in (*texts, favoured(one, better) or "–"))


def _pair(one: Difference) -> str:
    return f"{one.a} - {one.b}"


def favoured(one: Difference, better: str) -> str:
    """The better of the two sets; empty where the interval holds 0 or the measure ranks nothing."""
    if not better or one.low <= 0 <= one.high:
        return ""
    return one.a if (one.difference < 0) == (better == "lower") else one.b
