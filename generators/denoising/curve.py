"""The loss curve of a training, for programs (CSV) and for the eye (PNG)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.files.atomic import replacing
from bench.images import save_png

CURVE = "loss.csv"
PICTURE = "loss.png"
TOTAL = "loss"

Curve = Sequence[dict[str, float]]
"""The loss and its parts, one entry a step; a part that has not begun is absent."""


def write_curve(folder: Path, curve: Curve) -> None:
    """Bring `loss.csv` and `loss.png` in `folder` up to date; a kill leaves the old file or the new one."""
    with replacing(folder / CURVE) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["step", *_names(curve)])
        writer.writeheader()
        writer.writerows({"step": number, **losses} for number, losses in enumerate(curve, 1))
    save_png(folder / PICTURE, draw_curve(curve))


def _names(curve: Curve) -> list[str]:
    return list(dict.fromkeys(name for losses in curve for name in losses))


def draw_curve(curve: Curve) -> np.ndarray:
    """uint8 (500, 900, 3): for each part its values, faint, and their running mean."""
    # Nothing of pyplot: its figures are the process's, and it looks for a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.11, 0.88, 0.82))
    window = max(1, len(curve) // 20)
    _draw_parts(axes, curve, window)
    axes.set_xlabel("optimiser step")
    axes.set_ylabel("loss")
    if window > 1:
        axes.set_title(f"faint: each step; line: mean of {window} steps", fontsize="small", loc="left")
    axes.grid(alpha=0.3)
    # Above the axes, where it hides no line.
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=8, frameon=False, fontsize="small")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def _draw_parts(axes: Any, curve: Curve, window: int) -> None:
    for index, name in enumerate(_names(curve)):
        colour = "black" if name == TOTAL else f"C{index}"
        steps, values = _series(curve, name)
        axes.plot(steps, values, color=colour, alpha=0.2, linewidth=0.7)
        # Two parts can be nearly equal: what lies below shows through the dashes of what lies on it.
        dashes = "--" if name != TOTAL and index % 2 == 0 else "-"
        axes.plot(steps, smooth(values, window), dashes, color=colour, label=name)
    # The parts lie orders of magnitude apart. A part that is 0 in a step has no place on this axis.
    axes.set_yscale("log", nonpositive="mask")
    axes.set_ylim(bottom=_floor(curve))


def _series(curve: Curve, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps (from 1) that have the part, and its values there."""
    pairs = [(number, losses[name]) for number, losses in enumerate(curve, 1) if name in losses]
    steps, values = zip(*pairs, strict=True)
    return np.array(steps), np.array(values)


def _floor(curve: Curve) -> float | None:
    """Where the axis begins: below each part's usual values; one that starts from nothing does not flatten the rest."""
    positive = [values[values > 0] for _, values in (_series(curve, name) for name in _names(curve))]
    return min((float(np.median(values)) / 5 for values in positive if len(values)), default=None)


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of each value and the up to `window` - 1 before it; same length."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)
