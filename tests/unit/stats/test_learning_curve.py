"""A score read on a learning curve, against a slow search; and draws of several numbers at once."""

import math

import numpy as np
import pytest

from bench.stats.confidence import crossed
from bench.stats.joint import EACH, joint_draws
from bench.stats.learning_curve import images_reaching, rising

IMAGES = (10, 20, 40, 80)


def pooled(values):
    """The isotonic mean by its definition: the greatest of the least means around each point."""
    count = len(values)
    return [max(min(np.mean(values[i : j + 1]) for j in range(k, count)) for i in range(k + 1)) for k in range(count)]


def test_the_isotonic_mean_is_that_of_its_definition():
    values = np.random.default_rng(0).normal(0, 1, (6, 200)) + np.arange(6)[:, None] / 3
    slow = np.array([pooled(list(column)) for column in values.T]).T
    assert rising(values) == pytest.approx(slow)
    assert (np.diff(rising(values), axis=0) >= 0).all()


def test_a_reading_is_where_the_drawn_line_crosses():
    """Searched on a fine grid of the line through the isotonic mean, linear in the logarithm of the images."""
    gaps = np.random.default_rng(1).normal(0, 1, (4, 300)) + np.array([-1, -0.4, 0.3, 0.9])[:, None]
    least, most = images_reaching(gaps, IMAGES)
    grid = np.geomspace(10, 80, 60_001)
    for at, fitted in enumerate(rising(gaps).T):
        line = np.interp(np.log(grid), np.log(IMAGES), fitted)
        if line[0] > 0:
            assert least[at] == most[at] == -math.inf
        elif line[-1] < 0:
            assert least[at] == most[at] == math.inf
        else:
            assert (least[at], most[at]) == pytest.approx((grid[np.argmax(line >= 0)],) * 2, rel=1e-3)


@pytest.mark.parametrize(
    ("gaps", "span"),
    [
        ([-2, -1, 0, 1], (40, 40)),
        ([-2, 0, 0, 1], (20, 40)),
        ([0, 0, 1, 2], (10, 20)),
        ([-1, 0, 0, 0], (20, 80)),
        ([0.1, 0.2, 0.3, 0.4], (-math.inf, -math.inf)),
        ([-4, -3, -2, -1], (math.inf, math.inf)),
    ],
)
def test_a_level_curve_has_the_score_from_and_to(gaps, span):
    least, most = images_reaching(np.array(gaps, dtype=float)[:, None], IMAGES)
    assert (least[0], most[0]) == span


def test_any_sum_of_joint_draws_is_students():
    """Three numbers of four repeats, and no noise of images: quantiles of each, and of a difference, are t's."""
    stats = pytest.importorskip("scipy.stats")
    by_repeat = np.random.default_rng(2).normal(0, [[1], [2], [3]], (3, 4))
    numbers = [(np.repeat(own[:, None], 20_000, 1), own) for own in by_repeat]
    drawn = joint_draws(numbers, seed=3)
    assert drawn.shape == (3, 20_000 * EACH)
    for weights in ([1, 0, 0], [0, 0, 1], [1, 0, -1]):
        values = np.array(weights) @ by_repeat
        expected = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
        found = np.quantile(np.array(weights) @ drawn, [0.025, 0.975])
        assert found == pytest.approx(expected, rel=0.06, abs=0.06)


def test_one_repeat_has_the_noise_of_images_alone():
    draws, own = np.random.default_rng(4).normal(0, 1, (1, 50)), np.array([0.3])
    assert (joint_draws([(draws, own), (2 * draws, own)], seed=0) == np.stack([draws[0], 2 * draws[0]])).all()


def test_the_images_draws_are_those_of_a_single_number():
    rng = np.random.default_rng(5)
    draws, own = rng.normal(0, 1, (3, 4000)), rng.normal(0, 1, 3)
    single = crossed(draws, own).interval()
    assert np.quantile(joint_draws([(draws, own)], seed=1)[0], [0.025, 0.975]) == pytest.approx(single, rel=0.15)
