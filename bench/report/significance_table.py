"""Differences of a segmenter's rows -> a table: every row against the control, over all test images. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.analysis.paired import LEAST_CLUSTERS
from bench.analysis.score_rows import OVERALL
from bench.analysis.significance import RowDifference
from bench.report.table import Cell, Column, Table, rounded

_TEXTS: Mapping[str, Callable[[RowDifference], str]] = {
    "dataset": lambda one: one.training.scope.dataset,
    "data": lambda one: one.training.scope.data,
    "profile": lambda one: one.training.scope.profile,
    "settings": lambda one: one.training.settings,
    "seeds": lambda one: str(one.training.seeds),
    "segmenter": lambda one: one.training.segmenter,
    "trained on": lambda one: one.training.trained_on,
    "baseline": lambda one: one.baseline,
    "baseline_pairs": lambda one: str(one.baseline_pairs),
}
_ALWAYS = ("segmenter", "trained on")
"""The other texts stand only where rows differ in them."""
_DECIMALS = 3
_LEAST_P = 0.001


def significance_table(found: Sequence[RowDifference], notes: Sequence[str] = ()) -> Table | None:
    """Over all test images, in the convention whose p is corrected, else in the first; None without any difference."""
    whole = [one for one in found if one.test_set == OVERALL]
    if not whole:
        return None
    metric = next((one.metric for one in whole if one.comparisons), whole[0].metric)
    shown = [one for one in whole if one.metric == metric]
    texts = [name for name, text in _TEXTS.items() if name in _ALWAYS or len({text(one) for one in shown}) > 1]
    several = max(one.training.seeds for one in shown) > 1
    columns = (
        *map(Column, texts),
        Column(name="difference", better=shown[0].better, decimals=_DECIMALS, interval=True),
        *map(Column, ("sd over seeds", "beyond it") if several else ()),
        Column(name="p (Holm)"),
        *(Column(name=name, brief=False) for name in ("p", "groups", "images", "interval")),
    )
    rows = tuple(_line(one, texts, several) for one in shown)
    baselines = ", ".join(dict.fromkeys(one.baseline for one in shown))
    return Table(f"Differences against {baselines} ({metric}, overall)", columns, rows, (*_notes(shown), *notes))


def _line(one: RowDifference, texts: Sequence[str], several: bool) -> tuple[Cell, ...]:
    sd = "–" if one.sd is None else rounded(one.sd, _DECIMALS)
    beyond = {None: "–", True: "yes", False: "no"}[one.beyond_training]
    counts = (str(one.counts.clusters), str(one.counts.images), one.method or "–")
    return (
        *(Cell(text=_TEXTS[name](one)) for name in texts),
        Cell(number=one.estimate, n=one.counts.images, sources=(one.training.key,)),
        *([Cell(text=sd), Cell(text=beyond)] if several else []),
        *(Cell(text=text) for text in (_p(one.p_holm), _p(one.p_wilcoxon), *counts)),
    )


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return f"< {_LEAST_P}" if value < _LEAST_P else rounded(value, 3)


def _notes(shown: Sequence[RowDifference]) -> tuple[str, ...]:
    count = max((one.comparisons or 0 for one in shown), default=0)
    controls = ", nor is a control" if any(one.unranked for one in shown) else ""
    notes = [
        "[low, high]: 95 % interval of the difference itself, on the same test images: bootstrap over groups of images "
        f"within each test set; BCa, or percentile with fewer than {LEAST_CLUSTERS} groups",
        "p: Wilcoxon's signed-rank test over groups of images (zeros by Pratt), two-sided; Holm: corrected for the "
        f"{count} comparison(s) of this table (a row that differs in no image is none{controls})",
    ]
    if any(one.counts.clusters < LEAST_CLUSTERS for one in shown):
        notes.append(
            f"fewer than {LEAST_CLUSTERS} groups: such intervals are too narrow, and p is at least 2 / 2 ** groups"
        )
    if any(one.training.seeds == 1 for one in shown):
        notes.append("1 seed: training noise is not estimated")
    if any(one.training.seeds > 1 for one in shown):
        notes.append(
            "interval and p: of the mean over seeds, without training noise; sd over seeds: of the difference over "
            "trainings; beyond it: 0 lies outside Student's 95 % interval over trainings"
        )
    return tuple(notes)
