"""A segmenter that learns one brightness threshold: no torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from bench.contracts import TRAINING, Context, Segmenter, Split
from bench.images import load_mask, load_rgb, save_png


class ToyThreshold(Segmenter):
    """Sigmoid of brightness around the mean of lesion and background."""

    version = 1

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context, select: Split = ()) -> None:
        lesion, rest = [], []
        for sample in train:
            grey, mask = load_rgb(sample.image).mean(2), load_mask(sample.mask)
            lesion.append(grey[mask == 1].mean())
            rest.append(grey[mask == 0].mean())
        model = {"threshold": (np.mean(lesion) + np.mean(rest)) / 2, "pairs": len(train)}
        (model_dir / "model.json").write_text(json.dumps(model))
        (model_dir / TRAINING).write_text(json.dumps({"updates": len(train), "select": [one.id for one in select]}))

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        threshold = json.loads((model_dir / "model.json").read_text())["threshold"]
        for sample in samples:
            grey = load_rgb(sample.image).mean(2)
            save_png(out / f"{sample.id}.png", (255 / (1 + np.exp(-(grey - threshold) / 8))).astype(np.uint8))
