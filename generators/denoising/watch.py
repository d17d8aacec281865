"""What a person looks at while a model trains, in the folder of the model: its loss curve and its pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.images import save_png
from generators.denoising.curve import Curve, write_curve

PREVIEWS = "previews"


@dataclass(frozen=True)
class Watch:
    """`draw` makes a picture of what the model samples by now, wanted every `every` steps (0: never).

    Both are called before the checkpoint of their step is saved: after a kill, whatever that checkpoint covers is here.
    Of a process group only one process `writes`.
    """

    folder: Path
    every: int
    draw: Callable[[], np.ndarray]
    writes: bool = True

    def after_step(self, number: int, last: bool) -> None:
        """Write the picture of step `number` (from 1) where one is wanted; the `last` step's is, unless none are."""
        if self.writes and self.every and (last or number % self.every == 0):
            save_png(self.folder / PREVIEWS / f"step-{number:06d}.png", self.draw())

    def update_curve(self, curve: Curve) -> None:
        """Write the losses of all steps so far, as a table and as a picture."""
        if self.writes:
            write_curve(self.folder, curve)
