"""CMMD: distance of two clouds of CLIP embeddings, as published and without its bias."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.contracts import Context, Floor, ImageSet, LeftOut, Measure, Metric, Score, Space, param
from bench.stats.jackknife import jackknife_interval
from metrics._features import column, feature_pair, to_unit
from metrics._floor import floors
from metrics._mmd import JACKKNIFE, Side, gaussian, left_out, mmd, sides
from metrics._parts import groups_of

HOME = "CLIP-L14-336"
SCALE = 1000
WORTH_SAYING = 0.1
"""Share of the value from which on the bias is named beside it."""
MEANING = "in effect 10 × squared distance of mean features: blind to spread"


@dataclass(frozen=True)
class Params:
    """In which feature space."""

    extractors: str = param("clip-l14-336", "feature spaces in order of preference, separated by commas")


class Cmmd(Metric):
    """Squared MMD × 1000 with the kernel exp(-|x - y|^2 / 200) of features scaled to unit length; 0 is best, 40 worst.

    `CMMD` on CLIP ViT-L/14 at 336 px, `MMD-<label>` elsewhere. The published number pairs every image with itself too
    (the V-statistic), which adds 10 (trS_r / n + trS_s / m), S the covariance of unit-length features; `unbiased`
    leaves those pairs out and can fall below 0. On unit vectors the exponent is at most 0.02, so the kernel is all but
    linear and the number all but 10 |mu_r - mu_s|^2: sets of equal mean and unequal spread or modes look the same, and
    so do features that differ in length alone.

    Both intervals come from the jackknife of their own statistic, over images or whole groups of either set. The
    biased one is centred on the published value: it holds what sets of these sizes give on average, bias and all.
    """

    version = 1
    cite = "Jayasumana et al., CVPR 2024"
    Params = Params
    stratified = True

    def measures(self, label: str) -> tuple[Measure, ...]:
        name = column("CMMD", "MMD", label, HOME)
        sees = ("collapse",)
        return Measure(name, headline=True, sees=sees), Measure(f"{name} unbiased", sees=sees)

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        biased, unbiased = (measure.name for measure in self.measures(space.label))
        r, s = (to_unit(features, biased) for features in feature_pair(real, fake, biased, least=3))
        pair = sides(r, s, gaussian, groups_of(real), groups_of(fake))

        def both(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
            found = sides(one, other, gaussian)
            return {biased: SCALE * mmd(*found, biased=True), unbiased: SCALE * mmd(*found)}

        floor = floors(both, replace(real, features=r), replace(fake, features=s), ctx.seed)
        note = _bias(SCALE * mmd(*pair, biased=True), SCALE * mmd(*pair))
        return {
            biased: _score(pair, True, floor.get(biased), "biased V-statistic", note),
            unbiased: _score(pair, False, floor.get(unbiased), "unbiased U-statistic", ""),
        }


def _score(pair: tuple[Side, Side], biased: bool, floor: Floor | None, estimator: str, note: str) -> Score:
    n, m = (len(side.part) for side in pair)
    value = SCALE * mmd(*pair, biased=biased)
    parts = tuple(LeftOut(part.side, SCALE * part.values, part.sizes) for part in left_out(*pair, biased=biased))
    low, high = jackknife_interval(value, parts) or (None, None)
    how = f"{estimator} × 1000, {MEANING}; {JACKKNIFE}"
    return Score(
        value=value, n_real=n, n_fake=m, low=low, high=high, note=note, estimator=how, floor=floor, left_out=parts
    )


def _bias(biased: float, unbiased: float) -> str:
    bias = biased - unbiased
    if bias >= biased:
        return f"no more than the estimator's bias at this number of images, {bias:.3g}"
    if bias < WORTH_SAYING * biased:
        return ""
    return f"{bias:.3g} of {biased:.3g} is the estimator's bias at this number of images; compare at equal n only"
