"""Draws the loss curves of both trainings side by side."""

from __future__ import annotations

import csv
from pathlib import Path

WINDOW = 10


def plot_curves(folder: Path) -> None:
    """`folder/vae_loss.csv` and `unet_loss.csv` -> `folder/loss.png`; thin: as noted, thick: mean of ten notes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("vae", "unet"), strict=True):
        with (folder / f"{name}_loss.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        steps, losses = ([float(row[column]) for row in rows] for column in ("step", "loss"))
        smooth = [sum(losses[max(0, i - WINDOW + 1) : i + 1]) / min(i + 1, WINDOW) for i in range(len(losses))]
        axes.semilogy(steps, losses, linewidth=0.5)
        axes.semilogy(steps, smooth)
        axes.set(title=f"{name}: mean squared error", xlabel="step")
    figure.savefig(folder / "loss.png", dpi=100)
