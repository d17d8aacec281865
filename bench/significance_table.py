"""Differences of a segmenter's lines -> a table: every line against the control, over all test images. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.results import OVERALL
from bench.significance import Gain
from bench.table import Cell, Column, Table, rounded

_TEXTS = ("dataset", "data", "profile", "settings", "segmenter", "row", "baseline")
_ALWAYS = ("segmenter", "row")
"""The other texts stand only where lines differ in them."""
_DECIMALS = 3
_LEAST_P = 0.001
_FEW = 10


def significance_table(found: Sequence[Gain]) -> Table | None:
    """The comparisons whose p is corrected, or without any the first convention over all images; None without one."""
    whole = [one for one in found if one.test_set == OVERALL]
    lines = [one for one in whole if one.comparisons] or [one for one in whole if one.metric == whole[0].metric]
    if not lines:
        return None
    texts = [name for name in _TEXTS if name in _ALWAYS or len({getattr(one, name) for one in lines}) > 1]
    trained = max(one.seeds for one in lines)
    columns = (
        *map(Column, texts),
        Column("difference", lines[0].better, _DECIMALS, interval=True),
        *([Column("sd over seeds")] if trained > 1 else []),
        Column("p (Holm)"),
        *(Column(name, brief=False) for name in ("p", "groups", "images", "interval")),
    )
    rows = tuple(_line(one, texts, trained > 1) for one in lines)
    baselines = ", ".join(dict.fromkeys(one.baseline for one in lines))
    return Table(f"Differences against {baselines} ({lines[0].metric}, overall)", columns, rows, _notes(lines))


def _line(one: Gain, texts: Sequence[str], seeds: bool) -> tuple[Cell, ...]:
    sd = "–" if one.sd_seeds is None else rounded(one.sd_seeds, _DECIMALS)
    counts = (str(one.n_clusters), str(one.n_images), one.method or "–")
    return (
        *(Cell(text=getattr(one, name)) for name in texts),
        Cell(one.difference, one.low, one.high, one.n_images, sources=(one.line,)),
        *([Cell(text=sd)] if seeds else []),
        *(Cell(text=text) for text in (_p(one.p_holm), _p(one.p_wilcoxon), *counts)),
    )


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return f"< {_LEAST_P}" if value < _LEAST_P else rounded(value, 3)


def _notes(lines: Sequence[Gain]) -> tuple[str, ...]:
    notes = [
        "[low, high]: 95 % interval of the difference itself, on the same test images: bootstrap over groups of images "
        "within each test set; BCa, or percentile with fewer than 10 groups",
        f"p: Wilcoxon's signed-rank test over groups of images (Pratt's zeros), two-sided; Holm: corrected for the "
        f"{len(lines)} comparisons of this table",
    ]
    if any(one.n_clusters < _FEW for one in lines):
        notes.append("fewer than 10 groups: such intervals are too narrow, and p cannot fall below 2 / 2 ** groups")
    if any(one.seeds == 1 for one in lines):
        notes.append("1 seed: training noise is not estimated")
    if any(one.seeds > 1 for one in lines):
        notes.append("several seeds: scores are averaged over them; the interval holds test images, not training noise")
    return tuple(notes)
