"""An extractor and a metric on mean colours: no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.contracts import Context, Extractor, ImageSet, Metric, Score, param
from bench.images import load_rgb


class ToyColour(Extractor):
    """Mean red, green and blue."""

    version = 1
    label = "Colour"
    dim = 3

    def features(self, images: Sequence[Path], size: tuple[int, int] | None, ctx: Context) -> np.ndarray:
        return np.stack([load_rgb(path, size).mean((0, 1)) for path in images]).astype(np.float32)


@dataclass(frozen=True)
class Params:
    extractors: str = param("toy-mean", "feature spaces in order of preference")


class ToyMean(Metric):
    """Distance of mean colours."""

    version = 1
    Params = Params

    def columns(self, label: str) -> tuple[str, ...]:
        return (f"distance-{label}",)

    def score(self, real: ImageSet, fake: ImageSet, label: str, ctx: Context) -> Mapping[str, Score]:
        assert real.features is not None
        assert fake.features is not None
        gap = real.features.mean(0) - fake.features.mean(0)
        return {f"distance-{label}": Score(float(np.linalg.norm(gap)), len(real.samples), len(fake.samples))}
