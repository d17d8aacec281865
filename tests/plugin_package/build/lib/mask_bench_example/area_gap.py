"""How far the sizes of synthetic lesions are from those of real ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.contracts import Context, ImageSet, Metric, Score, Split
from bench.images import load_mask


class AreaGap(Metric):
    """Difference of the mean share of lesion pixels, in percent of the image."""

    version = 1
    uses_features = False

    def columns(self, label: str) -> tuple[str, ...]:
        return ("area gap",)

    def score(self, real: ImageSet, fake: ImageSet, label: str, ctx: Context) -> Mapping[str, Score]:
        gap = abs(mean_area(real.samples) - mean_area(fake.samples))
        return {"area gap": Score(gap, len(real.samples), len(fake.samples))}


def mean_area(samples: Split) -> float:
    return 100 * float(np.mean([load_mask(sample.mask).mean() for sample in samples]))
