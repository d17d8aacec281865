"""Differences of a segmenter's lines -> a table: every line against the control, over all test images. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.paired import LEAST_CLUSTERS
from bench.analysis.score_rows import OVERALL
from bench.analysis.significance import Gain
from bench.report.table import Cell, Column, Table, rounded

_TEXTS = ("dataset", "data", "profile", "settings", "seeds", "segmenter", "row", "baseline", "baseline_pairs")
_ALWAYS = ("segmenter", "row")
"""The other texts stand only where lines differ in them."""
_DECIMALS = 3
_LEAST_P = 0.001


def significance_table(found: Sequence[Gain], notes: Sequence[str] = ()) -> Table | None:
    """Over all test images, in the convention whose p is corrected, else in the first; None without any difference."""
    whole = [one for one in found if one.test_set == OVERALL]
    if not whole:
        return None
    metric = next((one.metric for one in whole if one.comparisons), whole[0].metric)
    lines = [one for one in whole if one.metric == metric]
    texts = [name for name in _TEXTS if name in _ALWAYS or len({getattr(one, name) for one in lines}) > 1]
    trained = max(one.seeds for one in lines)
    columns = (
        *map(Column, texts),
        Column("difference", lines[0].better, _DECIMALS, interval=True),
        *map(Column, ("sd over seeds", "beyond it") if trained > 1 else ()),
        Column("p (Holm)"),
        *(Column(name, brief=False) for name in ("p", "groups", "images", "interval")),
    )
    rows = tuple(_line(one, texts, trained > 1) for one in lines)
    baselines = ", ".join(dict.fromkeys(one.baseline for one in lines))
    return Table(f"Differences against {baselines} ({metric}, overall)", columns, rows, (*_notes(lines), *notes))


def _line(one: Gain, texts: Sequence[str], seeds: bool) -> tuple[Cell, ...]:
    sd = "–" if one.sd_seeds is None else rounded(one.sd_seeds, _DECIMALS)
    beyond = {None: "–", True: "yes", False: "no"}[one.beyond_seeds]
    counts = (str(one.n_clusters), str(one.n_images), one.method or "–")
    return (
        *(Cell(text=str(getattr(one, name))) for name in texts),
        Cell(one.difference, one.low, one.high, one.n_images, sources=(one.line,)),
        *([Cell(text=sd), Cell(text=beyond)] if seeds else []),
        *(Cell(text=text) for text in (_p(one.p_holm), _p(one.p_wilcoxon), *counts)),
    )


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return f"< {_LEAST_P}" if value < _LEAST_P else rounded(value, 3)


def _notes(lines: Sequence[Gain]) -> tuple[str, ...]:
    count = max((one.comparisons or 0 for one in lines), default=0)
    notes = [
        "[low, high]: 95 % interval of the difference itself, on the same test images: bootstrap over groups of images "
        f"within each test set; BCa, or percentile with fewer than {LEAST_CLUSTERS} groups",
        "p: Wilcoxon's signed-rank test over groups of images (zeros by Pratt), two-sided; Holm: corrected for the "
        f"{count} comparison(s) of this table (a line that differs in no image is none)",
    ]
    if any(one.n_clusters < LEAST_CLUSTERS for one in lines):
        notes.append(
            f"fewer than {LEAST_CLUSTERS} groups: such intervals are too narrow, and p is at least 2 / 2 ** groups"
        )
    if any(one.seeds == 1 for one in lines):
        notes.append("1 seed: training noise is not estimated")
    if any(one.seeds > 1 for one in lines):
        notes.append(
            "interval and p: of the mean over seeds, without training noise; sd over seeds: of the difference over "
            "trainings; beyond it: 0 lies outside Student's 95 % interval over trainings"
        )
    return tuple(notes)
