"""Which measure of the sets goes with the gain of the rows -> a table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.analysis.predictors import KINDS, Predictor
from bench.report.table import Cell, Column, Table, named, rounded

PREDICTORS = (
    "segmenter", "trained_on", "measure", "better", "tau", "low", "high", "p_chance", "n_rows", "n_sets", "unsure",
    "metric", "baseline",
)  # fmt: skip
_EXPLAINED = (
    "tau: Kendall's tau-b between the measure, better first, and the gain over the baseline; 1: the better set has "
    "always the larger gain, -1: always the smaller, 0: the order of one says nothing of the other's",
    "p by chance: how often so many rows in random order have a tau as far from 0; with a large one the interval, "
    "which is of these rows alone, may exclude 0 and tell nothing of other sets; not corrected for the number of "
    "measures",
    "it says how both went together in these rows, neither why nor what other sets would do",
    "[low, high]: 95 % of draws; each takes groups of test images and repeats anew, the same for all rows, and each "
    "set's measure within its own interval, as normal and independent of the other sets'; noise brings tau towards 0, "
    "so an interval may lie nearer to it than the value",
)


def predictor_record(one: Predictor) -> dict[str, Any]:
    """As `PREDICTORS`, full precision."""
    verdict = one.points[0].verdict
    return {
        "segmenter": one.segmenter,
        "trained_on": one.trained_on,
        "measure": one.measure.name,
        "better": one.measure.better,
        "tau": one.tau.value,
        "low": one.tau.low,
        "high": one.tau.high,
        "p_chance": one.p_chance,
        "n_rows": len(one.points),
        "n_sets": len({point.made for point in one.points}),
        "unsure": one.unsure,
        "metric": verdict.metric,
        "baseline": verdict.baseline,
    }


def predictors_table(found: Sequence[Predictor], notes: Sequence[str] = ()) -> Table:
    """One line a network and a measure."""
    titles = ("segmenter", "trained on", "measure")
    columns = (
        *map(Column, titles),
        Column(name="tau", better="higher", plain=True, decimals=2, interval=True),
        *map(Column, ("p by chance", "rows")),
    )
    rows = tuple(
        (
            *(Cell(text=text) for text in (one.segmenter, KINDS[one.trained_on], _measure(one))),
            Cell(number=one.tau, n=len(one.points), sources=tuple(p.verdict.training.key for p in one.points)),
            *(Cell(text=text) for text in (rounded(one.p_chance, 3), str(len(one.points)))),
        )
        for one in found
    )
    metrics = ", ".join(dict.fromkeys(one.points[0].verdict.metric for one in found))
    unsure = [
        f"{one.measure.name}: {one.unsure} row(s) without an interval of the measure, which is taken as it is"
        for one in found
        if one.unsure
    ]
    caption = f"Which measure of the synthetic sets goes with the gain ({metrics}, overall)"
    return Table(caption, columns, rows, (*_EXPLAINED, *dict.fromkeys(unsure), *notes))


def _measure(one: Predictor) -> str:
    return named(one.measure.name, one.measure.better)
