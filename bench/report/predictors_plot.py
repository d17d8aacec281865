"""Measure against gain, a panel each, every row by its name: pixels and SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.analysis.estimate import Estimate
from bench.analysis.predictors import KINDS, Predictor
from bench.report.table import named
from bench.text import printable

_ACROSS = 3
_PANEL = (4.2, 3.5)
"""Inches."""
_MARKS = "osD^vP"
_COLOURS = 10
_LONGEST = 44
"""Letters of a row's name."""


def draw_predictors(found: Sequence[Predictor]) -> tuple[np.ndarray, str]:
    """uint8 (h, w, 3), and the same as SVG; the same numbers give the same bytes."""
    # Nothing of pyplot: its figures are the process's, and it looks for a display.
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = _figure(found)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    vector = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "predictors", "svg.fonttype": "none"}):
        figure.savefig(vector, format="svg", metadata={"Date": None})
    return np.asarray(canvas.buffer_rgba())[..., :3], vector.getvalue().decode()


def _figure(found: Sequence[Predictor]) -> Any:
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(found))
    down = -(-len(found) // across)
    names = list(dict.fromkeys(point.verdict.training.trained_on for one in found for point in one.points))
    figure = Figure(figsize=(_PANEL[0] * across + 3, _PANEL[1] * down), dpi=100, layout="constrained")
    panels = np.ravel(figure.subplots(down, across, squeeze=False))
    for axes, one in zip(panels, found, strict=False):
        _panel(axes, one, names, len({other.segmenter for other in found}) > 1)
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    marks = [_mark(at) for at in range(len(names))]
    shown = [printable(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…") for name in names]
    figure.legend(marks, map(_plain, shown), loc="outside right upper", frameon=False, fontsize="small")
    return figure


def _panel(axes: Any, one: Predictor, names: Sequence[str], several: bool) -> None:
    metric = one.points[0].verdict.metric
    for point in one.points:
        measure, gain, at = point.measure, point.gain, names.index(point.verdict.training.trained_on)
        axes.errorbar(
            measure.value, gain.value, xerr=_bars(measure), yerr=_bars(gain), fmt=_shape(at), color=_colour(at),
            markersize=6, elinewidth=0.8, alpha=0.85,
        )  # fmt: skip
    axes.axhline(0, color="grey", linewidth=0.8, linestyle="--")
    axes.set_xlabel(_plain(named(one.measure.name, one.measure.better)))
    axes.set_ylabel(_plain(f"gain in {metric}"))
    axes.grid(alpha=0.3)
    bounds = f" [{one.tau.low:.2f}, {one.tau.high:.2f}]" if one.tau.low is not None else ""
    about = f"{one.segmenter}, {KINDS[one.trained_on]}\n" if several or one.trained_on != "added" else ""
    axes.set_title(_plain(f"{about}τ {one.tau.value:.2f}{bounds}"), fontsize="small", loc="left")


def _bars(number: Estimate) -> np.ndarray | None:
    """(2, 1): how far the interval reaches below and above; a value outside of its interval has no bar there."""
    if number.bounds is None:
        return None
    return np.maximum([[number.value - number.bounds[0]], [number.bounds[1] - number.value]], 0)


def _mark(at: int) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], marker=_shape(at), color=_colour(at), linestyle="")


def _shape(at: int) -> str:
    return _MARKS[at // _COLOURS % len(_MARKS)]


def _colour(at: int) -> str:
    return f"C{at % _COLOURS}"


def _plain(text: str) -> str:
    """A dollar would begin a formula."""
    return text.replace("$", r"\$")
