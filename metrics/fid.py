"""Fréchet distance of two feature clouds, computed by torch-fidelity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.contracts import Context, ImageSet, Measure, Metric, Score, Space, param
from metrics._features import column, feature_pair


@dataclass(frozen=True)
class Params:
    extractors: str = param("inception", "feature spaces in order of preference, separated by commas")


class Fid(Metric):
    """|mu_r - mu_s|^2 + tr(S_r + S_s - 2 (S_r S_s)^1/2) of real and synthetic features; 0 is best.

    `FID` on Inception, `FD-<label>` elsewhere. It is biased upward by about c/n, with c depending on the generator:
    compare it only at equal n. There is no interval, because resampling moves that bias. The value is torch-fidelity's,
    unclamped: two equal sets give 0 up to rounding, which can be a little below it.
    """

    version = 1
    requires = ("torch", "torch_fidelity")
    cite = "Heusel et al., NeurIPS 2017; torch-fidelity (Obukhov et al., 2020)"
    Params = Params
    stratified = True

    def measures(self, label: str) -> tuple[Measure, ...]:
        return (Measure(column("FID", "FD", label), headline=True),)

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        import torch
        from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

        name = self.measures(space.label)[0].name
        r, s = feature_pair(real, fake, name)
        ours, theirs = (fid_features_to_statistics(torch.from_numpy(features)) for features in (s, r))
        value = fid_statistics_to_metric(ours, theirs, verbose=False)[KEY_METRIC_FID]
        note = _note(len(r), len(s), r.shape[1], value)
        return {name: Score(value, len(r), len(s), note=note, estimator="torch-fidelity, by eigenvalues")}


def _note(n_real: int, n_fake: int, dim: int, value: float) -> str:
    notes = []
    if min(n_real, n_fake) < dim:
        notes.append(
            f"{min(n_real, n_fake)} images are fewer than the {dim} feature dimensions: the covariance is singular "
            "and the value biased upward; compare at equal n only"
        )
    if value < 0:
        notes.append("below 0 by rounding: the two sets cannot be told apart")
    return "; ".join(notes)
