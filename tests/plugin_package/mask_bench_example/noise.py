"""Lesions and background as noise around their mean colours in the training set."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.contracts import Context, Generator, Split, param
from bench.images import load_mask, load_rgb, save_png

MODEL = "colours.json"


@dataclass(frozen=True)
class Params:
    spread: float = param(12.0, "standard deviation of the noise", unit="grey levels", low=0.0, high=128.0)


class Noise(Generator):
    """Each mask filled with the mean lesion colour, the rest with the mean background colour, and noise over both."""

    version = 1
    Params = Params

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        colours: dict[str, list[np.ndarray]] = {"lesion": [], "background": []}
        for sample in train:
            image, lesion = load_rgb(sample.image), load_mask(sample.mask).astype(bool)
            for name, where in (("lesion", lesion), ("background", ~lesion)):
                if where.any():
                    colours[name].append(image[where].mean(0))
        model = {name: np.mean(values, axis=0).tolist() for name, values in colours.items()}
        (model_dir / MODEL).write_text(json.dumps(model), encoding="utf-8")

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        model = json.loads((model_dir / MODEL).read_text(encoding="utf-8"))
        with ctx.progress.bar(len(conditions), "image") as bar:
            for sample in conditions:
                path = out / "images" / f"{sample.id}.png"
                if not path.exists():
                    save_png(
                        path, self._draw(load_mask(sample.mask), model, [ctx.seed, zlib.crc32(sample.id.encode())])
                    )
                bar.update()

    def _draw(self, mask: np.ndarray, model: dict[str, list[float]], seed: list[int]) -> np.ndarray:
        """The seed is the stage's and the mask's, so that order and interruptions play no part."""
        colours = np.where(mask[..., None] == 1, model["lesion"], model["background"])
        noise = np.random.default_rng(seed).normal(0, self.params.spread, colours.shape)
        return (colours + noise).clip(0, 255).round().astype(np.uint8)
