"""Scores of synthetic sets -> the long table: one line a measure, with what a reader needs to weigh it. Pure.

Thirds by lesion size stand in CSV and JSON only: a page would be four times as long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bench.analysis.score_rows import SetScore
from bench.analysis.sources import of_set
from bench.report.table import Cell, Column, Table, named, rounded

FIELDS = (
    "set", "measure", "better", "headline", "stratum", "value", "low", "high", "floor", "floor_sd", "floor_n",
    "at_floor_n", "n_real", "n_synthetic", "reference", "backbone", "weights", "resize", "estimator", "note", "record",
    "sd", "repeats",
)  # fmt: skip
"""One number a line, in CSV and JSON; `floor` is the measure between two halves of the real set, `floor_n` images each,
and `at_floor_n` the measure of the synthetic set at that n; `sd` is over repeats."""

_DIGITS = 4
_MOST_DECIMALS = 5


def records(scores: Iterable[SetScore]) -> list[dict[str, Any]]:
    """Scores of sets as `FIELDS`, full precision; None where there is no such number."""
    return [set_record(one) for one in scores]


def set_record(one: SetScore) -> dict[str, Any]:
    """The columns of sets.csv for one score, numbers in full precision."""
    floor = one.floor
    return {
        "set": one.origin.label,
        "measure": one.measure.name,
        "better": one.measure.better,
        "headline": one.measure.headline,
        "stratum": one.stratum,
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "floor": floor.value if floor else None,
        "floor_sd": floor.sd if floor else None,
        "floor_n": floor.n if floor else None,
        "at_floor_n": floor.at_n if floor else None,
        "n_real": one.n_real,
        "n_synthetic": one.n,
        "reference": one.basis.reference,
        "backbone": one.basis.backbone,
        "weights": one.basis.weights,
        "resize": one.basis.resize,
        "estimator": one.estimator,
        "note": one.note,
        "record": one.record,
        "sd": one.sd,
        "repeats": one.repeats,
    }


def sets_table(scores: Iterable[SetScore], notes: Sequence[str] = ()) -> Table:
    """Numbers are rounded to four digits of the line's largest: a floor is compared with its value."""
    whole = [one for one in scores if not one.stratum]
    many = len({one.origin.label for one in whole}) > 1
    floors = any(one.floor is not None for one in whole)
    repeated = any(one.repeats > 1 for one in whole)
    columns = (
        *([Column(name="set")] if many else []),
        *(Column(name=name) for name in ("measure", "value", "95 % interval")),
        *([Column(name="sd over repeats")] if repeated else []),
        *(Column(name=name, brief=floors) for name in ("floor", "at floor's n")),
        *(Column(name=name) for name in ("n real", "n fake", "weights")),
        *(Column(name=name, brief=False) for name in ("backbone", "resize", "reference", "estimator")),
    )
    order = {name: number for number, name in enumerate(dict.fromkeys(one.origin.label for one in whole))}
    lines = tuple(_line(one, many, repeated) for one in sorted(whole, key=lambda one: order[one.origin.label]))
    real = dict.fromkeys(one.origin.scope.dataset for one in whole)
    caption = f"{', '.join(order)} (synthetic) against {', '.join(real)} (real)"
    return Table(caption, columns, lines, (*_explained(whole), *notes))


def _line(one: SetScore, many: bool, repeated: bool) -> tuple[Cell, ...]:
    floor, basis = one.floor, one.basis
    scale = [one.value, one.low, one.high, *((floor.value, floor.at_n) if floor else ())]
    decimals = decimals_of([number for number in scale if number is not None])

    def shown(number: float | None) -> str:
        return "–" if number is None else rounded(number, decimals)

    texts = (
        *([one.origin.label] if many else []),
        named(one.measure.name, one.measure.better),
        shown(one.value),
        "–" if one.low is None else f"[{shown(one.low)}, {shown(one.high)}]",
        *([shown(one.sd)] if repeated else []),
        f"{shown(floor.value)} ± {shown(floor.sd)} (n {floor.n})" if floor else "–",
        shown(floor.at_n) if floor else "–",
        str(one.n_real),
        str(one.n),
        basis.weights,
        basis.backbone,
        basis.resize,
        basis.reference,
        one.estimator,
    )
    return tuple(Cell(number=one.estimate, n=one.n, text=text, sources=(one.record,)) for text in texts)


def decimals_of(numbers: Sequence[float]) -> int:
    """Decimals that show four digits of the largest number, five at most."""
    largest = max(map(abs, numbers))
    digits = math.floor(math.log10(largest)) + 1 if largest else 1
    return min(max(_DIGITS - digits, 0), _MOST_DECIMALS)


def _explained(scores: Sequence[SetScore]) -> list[str]:
    """What columns mean, which networks looked, and what scores say of themselves."""
    notes = ["↓ smaller is better, ↑ larger is better, no arrow: a reference value that ranks nothing"]
    if any(one.floor is not None for one in scores):
        notes.append(
            "floor: the same measure between two halves of the real set, mean ± standard deviation over random halves "
            "of n images; a synthetic set as good as real images would reach it, so compare it with the column beside "
            "it, the synthetic set at that n"
        )
    notes += [f"intervals contain {text}" for text in dict.fromkeys(of_set(one.origin.varied) for one in scores)]
    if any(one.low is None for one in scores):
        notes.append("–: none can be estimated")
    bases = [one.basis for one in scores]
    notes += [f"weights {one.weights}: {one.backbone}; {one.resize}" for one in bases if one.weights and one.resize]
    return [*dict.fromkeys(notes), *warnings(scores, lambda one: one.origin.label)]


def warnings(scores: Sequence[SetScore], name_of: Callable[[SetScore], str]) -> list[str]:
    """What scores say of themselves; what several sets share is told once, with the name of each."""
    sets: dict[tuple[str, str], list[str]] = {}
    for one in scores:
        if one.note:
            sets.setdefault((one.measure.name, one.note), []).append(name_of(one))
    return [f"{metric} of {', '.join(dict.fromkeys(names))}: {note}" for (metric, note), names in sets.items()]
