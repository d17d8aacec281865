"""The Fréchet distance by singular values against torch-fidelity's eigenvalues, both in one run taking turns."""

import time
from statistics import median

import numpy as np
import pytest

pytest.importorskip("torch_fidelity")

import torch
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

from metrics._frechet import frechet

COUNT, DIM, ROUNDS = 100, 2048, 3


def by_eigenvalues(statistics):
    return fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]


def timed(function, *args):
    started = time.perf_counter()
    value = function(*args)
    return time.perf_counter() - started, value


@pytest.mark.benchmark(group="frechet")
def test_singular_values_are_50_times_faster_at_100_images(benchmark):
    """On Inception's 2048 dimensions, equal to 1e-5; the statistics that torch-fidelity starts from are not timed."""
    rng = np.random.default_rng(0)
    x, y = (np.maximum(rng.normal(size=(COUNT, DIM)) + shift, 0).astype(np.float32) for shift in (0.0, 0.1))
    statistics = [fid_features_to_statistics(torch.from_numpy(features)) for features in (x, y)]
    slow, fast = [], []
    for _ in range(ROUNDS):
        took, theirs = timed(by_eigenvalues, statistics)
        slow.append(took)
        took, ours = timed(frechet, x, y)
        fast.append(took)
    benchmark.pedantic(lambda: frechet(x, y), rounds=20, warmup_rounds=1)
    ratio = median(slow) / median(fast)
    benchmark.extra_info["times_faster_than_eigenvalues"] = round(ratio, 1)
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert ratio >= 50
