"""Fréchet inception distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.contracts import Context, ImageSet, Metric, Score, param


@dataclass(frozen=True)
class Params:
    extractors: str = param("inception", "feature spaces in order of preference, separated by commas")


class Fid(Metric):
    """Distance of two Gaussians fitted to the features of both sets, by torch-fidelity's own functions. Lower is better.

    Biased upwards when a set is small, by an amount that depends on the generator: values at different n cannot be
    compared, and below the feature dimension the covariance is rank-deficient (said in the notes). Not squared-rooted,
    not clipped: two equal sets may give a tiny negative number. No interval: a bootstrap would add its own bias.
    """

    version = 1
    requires = ("torch", "torch_fidelity")
    cite = "Heusel et al., GANs trained by a two time-scale update rule, NeurIPS 2017; torch-fidelity 0.4"
    Params = Params

    def columns(self, label: str) -> tuple[str, ...]:
        return ("FID" if label == "Inception" else f"FD-{label}",)

    def score(self, real: ImageSet, fake: ImageSet, label: str, ctx: Context) -> Mapping[str, Score]:
        import torch
        from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

        assert real.features is not None
        assert fake.features is not None
        statistics = [fid_features_to_statistics(torch.from_numpy(s.features)) for s in (fake, real)]
        value = fid_statistics_to_metric(*statistics, False)["frechet_inception_distance"]
        n_real, dim = real.features.shape
        n_fake = len(fake.features)
        small = min(n_real, n_fake) < dim
        note = f"n = {min(n_real, n_fake)} is below the {dim} features: biased upwards" if small else ""
        return {self.columns(label)[0]: Score(float(value), n_real, n_fake, note=note)}
