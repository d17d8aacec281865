"""Kernel distance of two feature clouds: torch-fidelity's estimate with a jackknife interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.contracts import Context, ImageSet, Measure, Metric, Score, Space, param
from bench.stats.jackknife import jackknife_interval
from metrics._features import column, feature_pair
from metrics._floor import floors
from metrics._mmd import JACKKNIFE, left_out, mmd, polynomial, sides
from metrics._parts import groups_of


@dataclass(frozen=True)
class Params:
    """In which feature space, and how large sets are subsampled."""

    extractors: str = param("inception", "feature spaces in order of preference, separated by commas")
    subset_size: int = param(1000, "images of each set in one estimate; smaller sets are used whole", low=2)
    subsets: int = param(100, "random subsets whose estimates are averaged", low=1)


@dataclass(frozen=True)
class Draw:
    """How torch-fidelity is asked to sample; `note` says it in words."""

    size: int
    subsets: int
    note: str


class Kid(Metric):
    """Unbiased squared MMD with the kernel (x.y/d + 1)^3, raw (not times 1000); 0 is best, values below 0 are valid.

    `KID` on Inception, `KD-<label>` elsewhere. The interval is a jackknife of the full U-statistic that leaves out one
    image at a time, or one group where images belong together, of either set; the sets are taken as independent
    samples, which errs to the wide side where each synthetic image has the mask of a real one. The value is that
    statistic, or an average over subsets of it. Where the distributions do not differ the error is about sqrt(2) too
    large, never too small. torch-fidelity's own standard deviation is the spread of overlapping subsets, not an error,
    and is not used. Subsets are drawn with torch-fidelity's default seed, so the value is the one its command line
    prints. The floor is the full U-statistic.
    """

    version = 3
    requires = ("torch", "torch_fidelity")
    cite = "Bińkowski et al., ICLR 2018; torch-fidelity (Obukhov et al., 2020)"
    Params = Params
    stratified = True

    def measures(self, label: str) -> tuple[Measure, ...]:
        return (Measure(column("KID", "KD", label), headline=True),)

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        name = self.measures(space.label)[0].name
        r, s = feature_pair(real, fake, name, least=3)
        how = draw(len(r), len(s), self.params.subset_size, self.params.subsets)
        value = estimate(r, s, how)
        parts = left_out(*sides(r, s, polynomial, groups_of(real), groups_of(fake)))
        low, high = jackknife_interval(value, parts) or (None, None)
        floor = floors(lambda one, other: {name: mmd(*sides(one, other, polynomial))}, real, fake, ctx.seed)
        note, estimator = _below_zero(value, high), f"{how.note}; {JACKKNIFE}"
        score = Score(
            value=value,
            n_real=len(r),
            n_fake=len(s),
            low=low,
            high=high,
            note=note,
            estimator=estimator,
            left_out=parts,
        )
        return {name: replace(score, floor=floor.get(name))}


def _below_zero(value: float, high: float | None) -> str:
    """What an estimate below the least true value means."""
    if value >= 0:
        return ""
    if high is not None and high < 0:
        return "wholly below 0: closer to each other than independent samples are, as copies are"
    return "below 0: no difference beyond sampling noise"


def draw(n_real: int, n_fake: int, subset_size: int, subsets: int) -> Draw:
    """The rule for small sets: size = min(subset_size, n_real, n_fake), where torch-fidelity alone would stop.

    When that is all of both sets, one subset is the full U-statistic. Otherwise torch-fidelity draws `subsets` times.
    """
    size = min(subset_size, n_real, n_fake)
    if size == n_real == n_fake:
        return Draw(size, 1, f"full U-statistic of all {size} images of each set")
    return Draw(size, subsets, f"mean over {subsets} subsets of {size} images")


def estimate(real: np.ndarray, fake: np.ndarray, how: Draw) -> float:
    """torch-fidelity's KID of float32 features (n, d), (m, d)."""
    import torch
    from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

    found = kid_features_to_metric(
        torch.from_numpy(fake),
        torch.from_numpy(real),
        kid_subset_size=how.size,
        kid_subsets=how.subsets,
        verbose=False,
    )
    return found[KEY_METRIC_KID_MEAN]
