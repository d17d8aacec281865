"""The confidence distribution, Holm's correction and power against slow twins, tables of textbooks, and simulation."""

import math

import numpy as np
import pytest

from bench.stats.bootstrap import draw_weights
from bench.stats.confidence import Confidence, crossed, variances
from bench.stats.holm import holm, holm_levels
from bench.stats.power import Spread, images_needed, least_difference, multiple, repeats_needed
from bench.stats.student import widened

stats = pytest.importorskip("scipy.stats")


def test_without_noise_of_images_it_is_students_interval():
    values = np.array([0.01, 0.03, 0.02, 0.05])
    found = crossed(np.repeat(values[:, None], 50, 1), values)
    expected = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert found.interval() == pytest.approx(expected, abs=1e-5)
    assert found.p_value() == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-4)


def test_the_probability_that_a_claim_is_false_is_that_of_the_t_posterior():
    """Christodoulou et al. 2025: t_{n-1}(sqrt(n) (b - a) / s) of paired differences."""
    gaps = np.random.default_rng(0).normal(0.02, 0.04, 12)
    found = Confidence(np.full(10, gaps.mean()), gaps.std(ddof=1) / math.sqrt(12), 11)
    assert found.below(0) == pytest.approx(stats.t.cdf(-gaps.mean() * math.sqrt(12) / gaps.std(ddof=1), 11), rel=1e-9)


@pytest.mark.parametrize("size", [1e-300, 0.3, 1e3, 1e12])
def test_repeats_that_differ_by_rounding_alone_have_an_interval(size):
    values = size * np.array([1, 1 + 2e-16, 1 + 4e-16])
    low, high = crossed(np.repeat(values[:, None], 50, 1), values).interval()
    assert (low, high) == pytest.approx((size, size), rel=1e-9)


def test_both_noises_are_those_of_a_literal_simulation():
    """Draws of images, and to each a draw of Student's t times the error over repeats: its quantiles, its tail."""
    rng = np.random.default_rng(1)
    draws, error = rng.normal(0.02, 0.01, 2000), 0.008
    both = rng.choice(draws, 400_000) + error * rng.standard_t(2, 400_000)
    found = Confidence(draws, error, 2)
    assert found.interval() == pytest.approx(tuple(np.quantile(both, [0.025, 0.975])), abs=6e-4)
    assert found.below(0) == pytest.approx((both < 0).mean(), abs=0.003)


def test_variances_are_those_of_two_way_analysis():
    """Repeats by images, each pair once: mean squares, as a textbook has them."""
    rng = np.random.default_rng(2)
    values = rng.normal(0, 1, (4, 1)) + rng.normal(0, 3, (1, 60)) + rng.normal(0, 2, (4, 60))
    weights = draw_weights([""] * 60, 0, 20_000)
    found = variances(values @ weights.T / 60, values.mean(1))
    rows, columns, whole = values.mean(1, keepdims=True), values.mean(0, keepdims=True), values.mean()
    left = ((values - rows - columns + whole) ** 2).sum() / (3 * 59)
    of_images = (4 * ((columns - whole) ** 2).sum() / 59 - left) / 4
    of_repeats = (60 * ((rows - whole) ** 2).sum() / 3 - left) / 60
    assert (60 * found.both, 60 * found.image) == pytest.approx((left, of_images), rel=0.05)
    assert found.repeat == pytest.approx(of_repeats, rel=0.05)


def simulated(rng, repeats, groups, spread):
    """A paired difference of true value 0 in images of groups: (repeats, images), and the group of each."""
    count = len(groups)
    of_groups = np.unique(groups, return_inverse=True)[1]
    both = rng.normal(0, spread.both, (repeats, count))
    shared = (rng.exponential(1, of_groups.max() + 1) - 1)[of_groups] + rng.exponential(1, count) - 1
    return rng.normal(0, spread.repeat, (repeats, 1)) + spread.image * shared / math.sqrt(2) + both


@pytest.mark.parametrize(
    ("repeats", "sizes"),
    [
        (3, (1,) * 40),
        pytest.param(3, (4,) * 20, marks=pytest.mark.slow),
        pytest.param(5, (1, 2, 3, 9, 6) * 5, marks=pytest.mark.slow),
        pytest.param(10, (8,) * 10, marks=pytest.mark.slow),
    ],
)
def test_the_interval_covers_the_true_difference(repeats, sizes):
    """Nominal 95 %, for differences skewed as those of Dice are, with and without an effect of the repeat."""
    rng, trials, hits = np.random.default_rng(7), 200, 0
    groups = [f"g{at}" for at, size in enumerate(sizes) for _ in range(size)]
    for trial in range(trials):
        values = simulated(rng, repeats, groups, Spread(repeat=0.02 * (trial % 2), image=0.1, both=0.1))
        weights = draw_weights(groups, trial, 400)
        plain = values @ weights.T / weights.sum(1)
        draws = widened(plain, values.mean(1, keepdims=True), len(sizes))
        low, high = crossed(draws, values.mean(1)).interval()
        hits += low <= 0 <= high
    assert 0.92 - 0.04 * (len(sizes) <= 10) <= hits / trials <= 0.99, "ten groups tell little of their own skewness"


@pytest.mark.parametrize(
    ("repeats", "least", "half"),
    [(2, 11.55, 8.98), (3, 3.26, 2.48), (5, 1.69, 1.24), (10, 1.00, 0.72), (20, 0.66, 0.47)],
)
def test_differences_that_repeats_can_show(repeats, least, half):
    """In standard deviations over repeats: what 80 % of designs show, and Student's half-width."""
    spread = Spread(repeat=1.0, image=0.0)
    assert least_difference(spread, repeats, 10**9) == pytest.approx(least, abs=0.01)
    values = np.random.default_rng(0).normal(0, 1, repeats)
    values = (values - values.mean()) / values.std(ddof=1)
    low, high = crossed(np.repeat(values[:, None], 9, 1), values).interval()
    assert (high - low) / 2 == pytest.approx(half, abs=0.01)


@pytest.mark.parametrize(
    ("images", "points"),
    [(798, (0.99, 1.49, 1.98)), (190, (2.03, 3.05, 4.06)), (100, (2.8, 4.2, 5.6)), (40, (4.4, 6.6, 8.9))],
)
def test_differences_that_test_images_can_show(images, points):
    """In points of Dice, of images whose differences have a standard deviation of 0.10, 0.15 and 0.20."""
    found = [100 * least_difference(Spread(repeat=0, image=sd), 1, images) for sd in (0.10, 0.15, 0.20)]
    assert found == pytest.approx(points, abs=0.05)


def test_power_is_that_of_a_simulation():
    rng, freedom = np.random.default_rng(0), 4
    draws = (rng.normal(multiple(freedom), 1, 200_000)) / np.sqrt(rng.chisquare(freedom, 200_000) / freedom)
    assert (draws > stats.t.ppf(0.975, freedom)).mean() == pytest.approx(0.8, abs=0.005)


def test_what_is_needed_is_the_fewest_that_suffices():
    spread = Spread(repeat=0.01, image=0.1, both=0.1)
    repeats, images = repeats_needed(spread, 0.02, 400), images_needed(spread, 0.02, 5)
    assert least_difference(spread, repeats, 400) <= 0.02 < least_difference(spread, repeats - 1, 400)
    assert least_difference(spread, 5, images) <= 0.02 < least_difference(spread, 5, images - 1)
    assert repeats_needed(spread, 0.001, 400) is None, "the images alone leave more than that"


def literal_holm(p_values):
    """The smallest against all, the next against all but one...; none falls below the one before it."""
    adjusted, highest, left = [0.0] * len(p_values), 0.0, len(p_values)
    for p, at in sorted((p, at) for at, p in enumerate(p_values)):
        highest = max(highest, min(1.0, left * p))
        adjusted[at], left = highest, left - 1
    return adjusted


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
    p_values = np.random.default_rng(3).random(20) ** 3
    assert holm(p_values) == pytest.approx(literal_holm(p_values), rel=1e-12)


def test_the_levels_of_holm_decide_as_its_p_values_do():
    for seed in range(20):
        p_values = np.random.default_rng(seed).random(6) ** 4
        decided = [p < 1 - level for p, level in zip(p_values, holm_levels(p_values), strict=True)]
        assert decided == [p < 0.05 for p in holm(p_values)]


def literal_share_seen(spread, repeats, images, difference, trials, rng):
    """Designs whose interval, as `crossed` makes it, lies above 0: values of every repeat on every image, drawn."""
    seen = 0
    for trial in range(trials):
        noise = rng.normal(0, spread.image, images) + rng.normal(0, spread.both, (repeats, images))
        values = difference + rng.normal(0, spread.repeat, (repeats, 1)) + noise
        weights = draw_weights([""] * images, trial, 200)
        seen += crossed(values @ weights.T / images, values.mean(1)).interval()[0] > 0
    return seen / trials


@pytest.mark.parametrize(
    ("repeats", "spread"),
    [
        (1, Spread(repeat=0, image=0.1, both=0.1)),
        (2, Spread(repeat=0.01, image=0.1)),
        (3, Spread(repeat=0.02, image=0.1, both=0.1)),
        (5, Spread(repeat=0.005, image=0.2, both=0.05)),
    ],
)
def test_four_of_five_designs_show_the_difference_that_they_are_said_to_show(repeats, spread):
    """Also of 2 repeats, where a single degree of freedom bounds one of two noises."""
    least = least_difference(spread, repeats, 100)
    assert literal_share_seen(spread, repeats, 100, least, 250, np.random.default_rng(5)) == pytest.approx(
        0.82, abs=0.08
    )


@pytest.mark.parametrize("repeats", [2, 3, 10])
def test_more_images_never_show_less(repeats):
    found = [
        least_difference(Spread(repeat=0.01, image=0.15, both=0.05), repeats, count) for count in range(20, 4000, 50)
    ]
    assert found == sorted(found, reverse=True)
