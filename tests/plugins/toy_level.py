"""A segmenter that stands for many: one fixed brightness, given after its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.contracts import Context, Segmenter, Split, param
from bench.images import load_rgb, save_png


@dataclass(frozen=True)
class Params:
    level: float = param(127.5, "brightness from which on a pixel is lesion", low=0.0, high=255.0)
    softness: float = param(8.0, "how much brighter a pixel must be to be surer", low=0.1)


class ToyLevel(Segmenter):
    """Sigmoid of brightness around `level`: `--segmenter toy-level:100`."""

    version = 1
    argument = "level"
    Params = Params

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context, select: Split = ()) -> None:
        (model_dir / "model.txt").write_text("nothing is learned\n")

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        p = self.params
        for sample in samples:
            grey = load_rgb(sample.image).mean(2)
            save_png(out / f"{sample.id}.png", (255 / (1 + np.exp(-(grey - p.level) / p.softness))).astype(np.uint8))
