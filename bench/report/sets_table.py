"""Scores of synthetic sets -> the long table: one line a measure, with what a reader needs to weigh it. Pure.

Thirds by lesion size stand in CSV and JSON only: a page would be four times as long.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from bench.analysis.score_rows import ScoreRow
from bench.report.table import Cell, Column, Table, rounded
from bench.text import csv_text

FIELDS = (
    "set", "measure", "better", "headline", "stratum", "value", "low", "high", "floor", "floor_sd", "floor_n",
    "at_floor_n", "n_real", "n_synthetic", "reference", "backbone", "weights", "resize", "estimator", "note", "record",
)  # fmt: skip
"""One number a line, in CSV and JSON; `floor` is the measure between two halves of the real set, `floor_n` images each,
and `at_floor_n` the measure of the synthetic set at that n."""

ARROWS = {"lower": " ↓", "higher": " ↑", "": ""}
_DIGITS = 4
_MOST_DECIMALS = 5


def records(rows: Iterable[ScoreRow]) -> list[dict[str, Any]]:
    """Scores of sets as `FIELDS`, full precision; None where there is no such number."""
    renamed = {"set": "generator", "measure": "metric", "n_synthetic": "n"}
    return [{name: getattr(row, renamed.get(name, name)) for name in FIELDS} for row in rows if not row.segmenter]


def sets_csv(rows: Iterable[ScoreRow]) -> str:
    return csv_text(FIELDS, ([one[name] for name in FIELDS] for one in records(rows)))


def sets_table(rows: Iterable[ScoreRow], notes: Sequence[str] = ()) -> Table:
    """Numbers are rounded to four digits of the line's largest: a floor is compared with its value."""
    whole = [row for row in rows if not row.segmenter and not row.stratum]
    many = len({row.generator for row in whole}) > 1
    floors = any(row.floor is not None for row in whole)
    columns = (
        *([Column("set")] if many else []),
        *(Column(name) for name in ("measure", "value", "95 % interval")),
        *(Column(name, brief=floors) for name in ("floor", "at floor's n")),
        *(Column(name) for name in ("n real", "n fake", "weights")),
        *(Column(name, brief=False) for name in ("backbone", "resize", "reference", "estimator")),
    )
    order = {name: number for number, name in enumerate(dict.fromkeys(row.generator for row in whole))}
    lines = tuple(_line(row, many) for row in sorted(whole, key=lambda row: order[row.generator]))
    return Table(_caption(whole), columns, lines, (*_explained(whole), *notes))


def _line(row: ScoreRow, many: bool) -> tuple[Cell, ...]:
    scale = [row.value, row.low, row.high, row.floor, row.at_floor_n]
    decimals = decimals_of([number for number in scale if number is not None])

    def shown(number: float | None) -> str:
        return "–" if number is None else rounded(number, decimals)

    interval = "–" if row.low is None else f"[{shown(row.low)}, {shown(row.high)}]"
    floor = "–" if row.floor is None else f"{shown(row.floor)} ± {shown(row.floor_sd)} (n {row.floor_n})"
    texts = [
        *([row.generator] if many else []), row.metric + ARROWS[row.better], shown(row.value), interval, floor,
        shown(row.at_floor_n), str(row.n_real), str(row.n), row.weights, row.backbone, row.resize, row.reference,
        row.estimator,
    ]  # fmt: skip
    return tuple(Cell(row.value, row.low, row.high, row.n, text, (row.record,)) for text in texts)


def decimals_of(numbers: Sequence[float]) -> int:
    """Decimals that show four digits of the largest number, five at most."""
    largest = max(map(abs, numbers))
    digits = math.floor(math.log10(largest)) + 1 if largest else 1
    return min(max(_DIGITS - digits, 0), _MOST_DECIMALS)


def _caption(rows: Sequence[ScoreRow]) -> str:
    sets, real = (list(dict.fromkeys(names)) for names in ([r.generator for r in rows], [r.dataset for r in rows]))
    return f"{', '.join(sets)} (synthetic) against {', '.join(real)} (real)"


def _explained(rows: Sequence[ScoreRow]) -> list[str]:
    """What columns mean, which networks looked, and what scores say of themselves."""
    notes = ["↓ smaller is better, ↑ larger is better, no arrow: a reference value that ranks nothing"]
    if any(row.floor is not None for row in rows):
        notes.append(
            "floor: the same measure between two halves of the real set, mean ± standard deviation over random halves "
            "of n images; a synthetic set as good as real images would reach it, so compare it with the column beside "
            "it, the synthetic set at that n"
        )
    if any(row.low is None for row in rows):
        notes.append("–: none can be estimated")
    notes += [f"weights {row.weights}: {row.backbone}; {row.resize}" for row in rows if row.weights and row.resize]
    return [*dict.fromkeys(notes), *_warnings(rows)]


def _warnings(rows: Sequence[ScoreRow]) -> list[str]:
    """The same warning of several sets is told once."""
    sets: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.note:
            sets.setdefault((row.metric, row.note), []).append(row.generator)
    return [f"{metric} of {', '.join(names)}: {note}" for (metric, note), names in sets.items()]
