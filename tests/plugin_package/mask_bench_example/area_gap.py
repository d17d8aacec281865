"""How far the sizes of synthetic lesions are from those of real ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.contracts import Context, ImageSet, Measure, Metric, Score, Space, Split
from bench.images import load_mask


class AreaGap(Metric):
    """Difference of the mean share of lesion pixels, in percent of the image."""

    version = 1
    uses = ""

    def measures(self, label: str) -> tuple[Measure, ...]:
        return (Measure("area gap", headline=True),)

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        gap = abs(mean_area(real.samples) - mean_area(fake.samples))
        return {"area gap": Score(value=gap, n_real=len(real.samples), n_fake=len(fake.samples))}


def mean_area(samples: Split) -> float:
    return 100 * float(np.mean([load_mask(sample.mask).mean() for sample in samples]))
