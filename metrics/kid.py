"""Kernel inception distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.contracts import Context, ImageSet, Metric, Score, param
from bench.errors import BenchError

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Params:
    extractors: str = param("inception", "feature spaces in order of preference, separated by commas")
    subset_size: int = param(1000, "images of a subset; a smaller set is taken whole", low=2)
    subsets: int = param(100, "subsets averaged; 1 when a set is taken whole", low=1)


class Kid(Metric):
    """Unbiased squared MMD under the cubic polynomial kernel (x·y/d + 1)³, by torch-fidelity's own function.

    The raw value, not × 1000; lower is better, about 0 for equal distributions, and it may be negative. When the
    smaller set has no more images than `subset_size`, subsets hold as many as that set and one draw replaces many:
    with sets of equal size this is the full U-statistic. The interval is the leave-one-out jackknife of the
    full U-statistic; torch-fidelity's own spread over subsets is not an error bar and is not reported.
    """

    version = 1
    requires = ("torch", "torch_fidelity")
    cite = "Bińkowski et al., Demystifying MMD GANs, ICLR 2018; torch-fidelity 0.4"
    Params = Params

    def columns(self, label: str) -> tuple[str, ...]:
        return ("KID" if label == "Inception" else f"KD-{label}",)

    def score(self, real: ImageSet, fake: ImageSet, label: str, ctx: Context) -> Mapping[str, Score]:
        import torch
        from torch_fidelity.metric_kid import kid_features_to_metric

        assert real.features is not None
        assert fake.features is not None
        n_real, n_fake = len(real.features), len(fake.features)
        if min(n_real, n_fake) < 3:
            raise BenchError(f"kid needs 3 images in each set, got {n_real} real and {n_fake} synthetic")
        smaller = min(n_real, n_fake)
        whole = smaller <= self.params.subset_size
        size, subsets = (smaller, 1) if whole else (self.params.subset_size, self.params.subsets)
        value = kid_features_to_metric(
            torch.from_numpy(fake.features), torch.from_numpy(real.features), kid_subsets=subsets,
            kid_subset_size=size, rng_seed=ctx.seed % 2**32, verbose=False,
        )["kernel_inception_distance_mean"]  # fmt: skip
        error = jackknife_error(real.features, fake.features)
        note = f"{subsets} subset{'s' * (subsets > 1)} of {size} images"
        low, high = float(value - Z95 * error), float(value + Z95 * error)
        return {self.columns(label)[0]: Score(float(value), n_real, n_fake, low, high, note)}


def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(x·y/d + 1)³ in float64, (n, m)."""
    return (x.astype(np.float64) @ y.astype(np.float64).T / x.shape[1] + 1) ** 3


def jackknife_error(real: np.ndarray, fake: np.ndarray) -> float:
    """Standard error of the full U-statistic when either set loses one image, from row sums of the Gram matrices."""
    n, m = len(real), len(fake)
    real_rows, fake_rows = (_rows_without_diagonal(kernel(s, s)) for s in (real, fake))
    cross = kernel(real, fake)
    real_sum, fake_sum, cross_sum = real_rows.sum(), fake_rows.sum(), cross.sum()
    of_real, of_fake = real_sum / (n * (n - 1)), fake_sum / (m * (m - 1))
    without_real = (real_sum - 2 * real_rows) / ((n - 1) * (n - 2)) + of_fake - 2 * (cross_sum - cross.sum(1)) / ((n - 1) * m)
    without_fake = of_real + (fake_sum - 2 * fake_rows) / ((m - 1) * (m - 2)) - 2 * (cross_sum - cross.sum(0)) / (n * (m - 1))
    variance = (n - 1) * without_real.var() + (m - 1) * without_fake.var()
    return float(np.sqrt(variance))


def _rows_without_diagonal(gram: np.ndarray) -> np.ndarray:
    return gram.sum(1) - np.diag(gram)
