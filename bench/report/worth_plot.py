"""The learning curve of real pairs with the synthetic sets placed on it, as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.analysis.worth import ABOVE, BELOW, UNKNOWN, LearningCurve, Worth
from bench.report.table import named as with_arrow
from bench.report.worth_table import named, with_span
from bench.segscores import better
from bench.store.worth_manifest import ADDED

_INK, _REAL = "#333333", "#5b6770"
_SETS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's colours, which the colour-blind tell apart."""
_WIDTH, _HEIGHT, _ACROSS = 6.4, 4.8, 3


def draw_worth(curves: Sequence[LearningCurve]) -> Any:
    """A matplotlib figure: a panel for each network."""
    # Nothing of pyplot: its figures are the process's, and it looks for a display.
    from matplotlib.figure import Figure

    across = min(len(curves), _ACROSS)
    down = math.ceil(len(curves) / across)
    figure = Figure(figsize=(_WIDTH * across, _HEIGHT * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False)
    for panel in panels.flat[len(curves) :]:
        panel.set_axis_off()
    for panel, curve in zip(panels.flat, curves, strict=False):
        _draw_curve(panel, curve)
        _draw_sets(panel, curve)
        _label(panel, curve)
    return figure


def save_figure(figure: Any, path: Path, form: str) -> None:
    """The same records make the same bytes: no date and no random names in an SVG."""
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "worth"}):
        figure.savefig(path, format=form, dpi=150, metadata={"Date": None} if form == "svg" else None)


def _draw_curve(panel: Any, curve: LearningCurve) -> None:
    """Every training a dot, the isotonic mean a line, the intervals of its points a band."""
    images = [point.about.pairs for point in curve.points]
    for point in curve.points:
        values = point.score.by_repeat
        panel.plot([point.about.pairs] * len(values), values, "o", color=_REAL, markersize=3, alpha=0.6)
    fitted = [point.fitted for point in curve.points]
    panel.plot(images, fitted, "-", color=_REAL, linewidth=1.8, label="real pairs alone")
    bounds = [point.score.estimate.bounds for point in curve.points]
    if all(bounds):
        low, high = zip(*(one for one in bounds if one), strict=True)
        panel.fill_between(images, low, high, color=_REAL, alpha=0.15, linewidth=0, label="its 95 % interval")


def _draw_sets(panel: Any, curve: LearningCurve) -> None:
    """Each at its score; a bound is an arrow."""
    known = [one for one in curve.sets if one.like.bound != UNKNOWN]
    for at, one in enumerate(known):
        colour = _SETS[at % len(_SETS)]
        shape = {"": "D" if one.about.kind == ADDED else "s", BELOW: "<", ABOVE: ">"}[one.like.bound]
        value = one.score.value
        panel.plot(one.like.value, value, shape, color=colour, markersize=8, zorder=4, label=_legend(one))
        for end in one.span or ():
            panel.plot([one.like.value, end.value], [value, value], "-", color=colour, linewidth=1.6, zorder=3)
            tip = {"": "|", BELOW: 8, ABOVE: 9}[end.bound]  # 8, 9: carets that end at the point
            panel.plot(end.value, value, marker=tip, color=colour, markersize=8, zorder=3)


def _legend(one: Worth) -> str:
    what = f"{named(one)} ({one.about.synthetic:,})"
    start = f"{what} + {one.about.real:,} real" if one.about.kind == ADDED else f"{what} alone"
    return f"{start}: like {with_span(one.like, one.span)}"


def _label(panel: Any, curve: LearningCurve) -> None:
    images = [point.about.pairs for point in curve.points]
    panel.set_xscale("log")
    panel.set_xticks(images, [f"{count:,}" for count in images])
    panel.minorticks_off()
    for real in sorted({one.about.real for one in curve.sets if one.about.real}):
        panel.axvline(real, color=_INK, linestyle=":", linewidth=1, label=f"the {real:,} real of the row")
    panel.set_xlabel("real training pairs (all trainings: equal updates)")
    panel.set_ylabel(with_arrow(f"{curve.metric}, overall", better(curve.metric)))
    panel.set_title(curve.segmenter, loc="left", color=_INK)
    panel.grid(alpha=0.25)
    # Below the axes, where it hides nothing.
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False, fontsize="small")
