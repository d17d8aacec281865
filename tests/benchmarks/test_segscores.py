"""The histogram against the literal loop, both in one run."""

import time
from statistics import median

import numpy as np
import pytest

from bench.segscores import mean_over_thresholds
from tests.golden.literal_segscores import literal_scores


def seconds(function, images, rounds):
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        for prob, truth in images:
            function(prob, truth)
        times.append((time.perf_counter() - started) / len(images))
    return median(times)


@pytest.mark.benchmark(group="segscores")
def test_histogram_is_50_times_faster_than_256_passes(benchmark):
    rng = np.random.default_rng(0)
    shape = (352, 352)
    truth = np.zeros(shape, np.uint8)
    truth[100:200, 120:260] = 1
    images = [((rng.random(shape) * 120 + truth * 100).astype(np.uint8), truth) for _ in range(4)]
    benchmark.pedantic(lambda: [mean_over_thresholds(*image) for image in images], rounds=7, warmup_rounds=1)
    ratio = seconds(literal_scores, images, 5) / (benchmark.stats["median"] / len(images))
    benchmark.extra_info["times_faster_than_literal"] = round(ratio, 1)
    assert ratio >= 50
