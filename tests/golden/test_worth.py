"""Worth on simulated learning curves of known truth: its interval covers the true number of images."""

import numpy as np
import pytest

from bench.stats.joint import joint_draws
from tools.worth_coverage import IMAGES, PLACES, REAL, covered

TRIALS = 200


@pytest.mark.parametrize(
    ("repeats", "spread", "place"),
    [
        (3, 0.005, "between points"),
        *(
            pytest.param(repeats, spread, place, marks=pytest.mark.slow)
            for repeats, spread in ((1, 0.0), (3, 0.005), (5, 0.02))
            for place in PLACES
            if (repeats, place) != (3, "between points")
        ),
    ],
)
def test_the_interval_covers_the_truth(repeats, spread, place):
    """In nine of ten at least."""
    assert REAL in IMAGES
    assert covered(TRIALS, 100, 25, repeats, PLACES[place], spread=spread) >= 0.9


def test_an_interval_too_narrow_is_found_out(monkeypatch):
    """The check can fail: draws at a third of their width leave the truth out too often."""

    def narrowed(numbers, seed):
        drawn = joint_draws(numbers, seed)
        middle = np.median(drawn, 1, keepdims=True)
        return middle + (drawn - middle) / 3

    monkeypatch.setattr("bench.analysis.worth.joint_draws", narrowed)
    assert covered(TRIALS, 100, 25, 3, 571, spread=0.02) < 0.8
