"""An extractor and a metric on mean colours: no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.contracts import Context, Extractor, ImageSet, LeftOut, Measure, Metric, Network, Score, Space, param


class ToyColour(Extractor):
    """Mean red, green and blue."""

    version = 1
    label = "Colour"
    backbone = "mean colour"
    resize = "none"
    sha256 = "0" * 64
    dim = 3

    def open(self, ctx: Context) -> Network:
        return self

    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([image.mean((0, 1)) for image in images]).astype(np.float32)


@dataclass(frozen=True)
class Params:
    extractors: str = param("toy-mean", "feature spaces in order of preference")


class ToyMean(Metric):
    """Distance of mean colours."""

    version = 1
    Params = Params

    def measures(self, label: str) -> tuple[Measure, ...]:
        return (Measure(f"distance-{label}", headline=True),)

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        assert real.features is not None
        assert fake.features is not None
        r, s = real.features.astype(float), fake.features.astype(float)
        score = Score(
            value=float(np.linalg.norm(r.mean(0) - s.mean(0))), n_real=len(r), n_fake=len(s),
            estimator="distance of means",
            left_out=(
                LeftOut("real", np.linalg.norm(without_one(r) - s.mean(0), axis=1), np.ones(len(r))),
                LeftOut("fake", np.linalg.norm(r.mean(0) - without_one(s), axis=1), np.ones(len(s))),
            ),
        )  # fmt: skip
        return {f"distance-{space.label}": score}


def without_one(features: np.ndarray) -> np.ndarray:
    """Means (n, d), each without one of the n rows."""
    return (features.sum(0) - features) / (len(features) - 1)
