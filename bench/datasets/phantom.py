"""Procedural colonoscopy-like scenes with exact masks: data for a machine that has none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.contracts import Context, Dataset, Split, param
from bench.data.layout import match
from bench.data.scene import Domain, draw_scene
from bench.images import save_png

TRAIN = Domain()
TESTS = {
    "same": Domain(),
    "light": Domain(light=0.8, vignette=1.0),
    "palette": Domain(hue=1.0, cold=0.6),
    "camera": Domain(blur=0.012, noise=0.04, vignette=0.9),
    "small": Domain(lesion_size=0.6, lesion_contrast=1.6, hue=-0.4, light=0.9),
}
"""Test sets in order of their distance from the training scenes."""


@dataclass(frozen=True)
class Params:
    """What may be set with --set dataset.phantom.NAME."""

    size: int = param(64, "side of the square images", unit="px", low=32, high=1024)
    train: int = param(120, "training pairs", low=3, high=100_000)
    test: int = param(24, "pairs in each of the five test sets", low=2, high=100_000)
    prompt: str = param("A photo of a polyp.", "text condition of every image")


class Phantom(Dataset):
    """Procedural scenes: folds, moving light, vessels, specular highlights, vignettes, and one lesion each.

    Five test sets shift the domain step by step: same, light, palette, camera (blur and noise), small (flat and small
    lesions). Deterministic by seed; masks are exact. Scores on it say whether the suite works, not how good a
    generator is.
    """

    version = 2
    generated = True
    Params = Params

    def build(self, out: Path, ctx: Context) -> None:
        sets = [("train", TRAIN, self.params.train), *((f"test/{n}", d, self.params.test) for n, d in TESTS.items())]
        with ctx.progress.bar(sum(count for _, _, count in sets), "scene") as bar:
            for index, (split, domain, count) in enumerate(sets):
                for number in range(count):
                    rng = np.random.default_rng([ctx.seed, index, number])
                    image, mask = draw_scene(rng, self.params.size, domain)
                    name = f"{split.removeprefix('test/')}-{number:04d}.png"
                    save_png(out / split / "images" / name, image)
                    save_png(out / split / "masks" / name, mask * 255)
                    bar.update()

    def splits(self) -> tuple[str, ...]:
        return ("train", *(f"test/{name}" for name in TESTS))

    def samples(self, split: str) -> Split:
        return match(self.root / split / "images", self.root / split / "masks", self.params.prompt)
