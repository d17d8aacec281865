"""Fréchet distance of two feature clouds, computed by torch-fidelity, and what it tends to with more images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.contracts import Context, Floor, ImageSet, Measure, Metric, Score, Space, param
from bench.stats.jackknife import jackknife_interval
from metrics import _frechet
from metrics._features import column, feature_pair
from metrics._floor import floors
from metrics._parts import by_id, groups_of

APART = 1e-3
"""Relative difference of eigenvalues and singular values from which on it is named."""
INFINITY_SPLITS = 4
LEAST_HALF = 20
"""Images of a half from which on the floor of `-infinity` is taken."""
WORTH_SAYING = 0.1
"""Share of the value from which on a floor of `-infinity` is named."""
EXTRAPOLATED = "line in 1/n through 1/2, 3/4 and all of both sets; jackknife of tenths of both, and the floor"


@dataclass(frozen=True)
class Params:
    """In which feature space."""

    extractors: str = param("inception", "feature spaces in order of preference, separated by commas")


class Fid(Metric):
    """|mu_r - mu_s|^2 + tr(S_r + S_s - 2 (S_r S_s)^1/2) of real and synthetic features; 0 is best.

    `FID` on Inception, `FD-<label>` elsewhere. It is biased upward by about c/n, with c depending on the generator:
    compare it only at equal n. There is no interval, because resampling moves that bias. The value is torch-fidelity's,
    unclamped: two equal sets give 0 up to rounding, which can be a little below it. Its floor is taken by singular
    values, which are exact on singular covariances and check the value.

    `-infinity` extrapolates to infinitely many images and has an interval, a jackknife that leaves out a tenth of both
    sets at a time, whole groups of them. It is left out below 50 images of either set. The line in 1/n takes away the
    bias where n is well above the number of directions in which features vary; where it is below, half of the bias or
    more stays. What stays between halves of the real set, whose distance is 0, is its floor, and the interval reaches
    down by as much. Floors of `-infinity` are means over 4 splits, for its price: in thirds of lesion size it costs a
    ninth of what the whole sets do.
    """

    version = 2
    requires = ("torch", "torch_fidelity")
    cite = "Heusel et al., NeurIPS 2017; torch-fidelity (Obukhov et al., 2020); Chong and Forsyth, CVPR 2020"
    Params = Params
    stratified = True

    def measures(self, label: str) -> tuple[Measure, ...]:
        name = column("FID", "FD", label)
        return Measure(name, headline=True), Measure(f"{name}-infinity")

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        plain, infinite = (measure.name for measure in self.measures(space.label))
        real, fake = by_id(real), by_id(fake)
        r, s = feature_pair(real, fake, plain)
        floor = floors(lambda one, other: {plain: _frechet.frechet(one, other)}, real, fake, ctx.seed)
        value = estimate(r, s)
        note = _note(len(r), len(s), r.shape[1], value, _frechet.frechet(r, s))
        found = {
            plain: Score(
                value=value,
                n_real=len(r),
                n_fake=len(s),
                note=note,
                estimator="torch-fidelity, by eigenvalues",
                floor=floor.get(plain),
            )
        }
        if min(len(r), len(s)) >= _frechet.LEAST:
            found[infinite] = _infinite(r, s, real, fake, infinite, ctx.seed)
        return found


def estimate(real: np.ndarray, fake: np.ndarray) -> float:
    """torch-fidelity's FID of float32 features (n, d), (m, d), within the space that the images span.

    Turning the axes changes no distance: with fewer images than dimensions that space is smaller, and the eigenvalues,
    whose number grows with the cube, are those of a smaller matrix.
    """
    import torch
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

    if len(real) + len(fake) < real.shape[1]:
        real, fake = _frechet.within_span(real, fake)
    ours, theirs = (fid_features_to_statistics(torch.from_numpy(features)) for features in (fake, real))
    return fid_statistics_to_metric(ours, theirs, verbose=False)[KEY_METRIC_FID]


def _infinite(r: np.ndarray, s: np.ndarray, real: ImageSet, fake: ImageSet, name: str, seed: int) -> Score:
    both, circles = _frechet.clouds(r, s), _frechet.circles(groups_of(real), groups_of(fake), seed)
    value, parts = _frechet.infinity(both, *circles), _frechet.left_out(both, *circles)

    def between(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
        alone = _frechet.circles(np.arange(len(one)), np.arange(len(other)), seed)
        return {name: _frechet.infinity(_frechet.clouds(one, other), *alone)}

    floor = floors(between, real, fake, seed, INFINITY_SPLITS, LEAST_HALF).get(name)
    low, high = _widened(jackknife_interval(value, parts), floor)
    return Score(
        value=value,
        n_real=len(r),
        n_fake=len(s),
        low=low,
        high=high,
        note=_rest(value, floor),
        estimator=EXTRAPOLATED,
        floor=floor,
        left_out=parts,
    )


def _widened(interval: tuple[float, float] | None, floor: Floor | None) -> tuple[float | None, float | None]:
    """The interval and beyond it the floor, which would be 0 if no bias were left; none where either is unknown."""
    if interval is None or floor is None:
        return None, None
    return interval[0] - max(floor.value, 0), interval[1] - min(floor.value, 0)


def _rest(value: float, floor: Floor | None) -> str:
    if floor is None or floor.value < WORTH_SAYING * value:
        return ""
    return (
        f"between halves of the real set, {floor.n} images each, it is {floor.value:.3g} and not 0: too few images for "
        "a line in 1/n, the value holds bias still, and the interval reaches down by as much"
    )


def _note(n_real: int, n_fake: int, dim: int, value: float, exact: float) -> str:
    notes = []
    if min(n_real, n_fake) < dim:
        notes.append(
            f"{min(n_real, n_fake)} images are fewer than the {dim} feature dimensions: the covariance is singular "
            "and the value biased upward; compare at equal n only"
        )
    if value < 0:
        notes.append("below 0 by rounding: the two sets cannot be told apart")
    elif abs(value - exact) > APART * abs(exact):
        notes.append(f"by singular values it is {exact:.6g}: rounding of singular covariances")
    return "; ".join(notes)
