"""The paired interval and the rank test against SciPy, and what they promise on simulated data."""

import itertools

import numpy as np
import pytest

from bench.stats.bca import bca
from bench.stats.bootstrap import bounds, draw_weights, left_out_weights
from bench.stats.rank_test import EXACT, holm, signed_rank

stats = pytest.importorskip("scipy.stats")


def reference(data, statistic, **options):
    """SciPy's interval; `random_state` was renamed after SciPy 1.14, and the old name still works."""
    return stats.bootstrap(data, statistic, method="BCa", vectorized=True, random_state=0, **options)


@pytest.mark.parametrize("sizes", [(25,), (25, 40), (12, 200, 31)])
def test_the_interval_is_scipys(sizes):
    """Same draws, same bounds: one set of images, and several sets resampled each by itself."""
    rng = np.random.default_rng(len(sizes))
    data = tuple(rng.exponential(size=size) - 0.8 for size in sizes)
    shares = np.array(sizes) / sum(sizes)

    def overall(*sets, axis=-1):
        return sum(share * np.mean(one, axis=axis) for share, one in zip(shares, sets, strict=True))

    found = reference(data, overall, n_resamples=1500)
    left_out = [
        overall(*data) + share * ((one.sum() - one) / (len(one) - 1) - one.mean())
        for share, one in zip(shares, data, strict=True)
    ]
    ours = bca(overall(*data), found.bootstrap_distribution, left_out)
    assert ours == pytest.approx((found.confidence_interval.low, found.confidence_interval.high), abs=1e-12)


def test_our_draws_give_scipys_interval():
    """Two random generators: bounds agree to a twentieth of the interval's width, and lie off the percentile's."""
    values = np.random.default_rng(4).exponential(size=30) ** 2
    draws = draw_weights([""] * 30, 0, 20_000) @ values / 30
    ours = bca(values.mean(), draws, [left_out_weights([""] * 30) @ values / 29])
    theirs = reference((values,), np.mean, n_resamples=20_000).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.05 * (theirs.high - theirs.low))
    assert ours[0] > bounds(draws)[0] + 0.01
    assert ours[1] > bounds(draws)[1] + 0.01


@pytest.mark.parametrize("sizes", [(1,) * 40, (4,) * 20, (1, 2, 3, 9, 6) * 5])
def test_the_interval_covers_the_true_difference(sizes):
    """Nominal 95 %: single images, sequences of four, sequences of unequal length; skewed, as differences of Dice are.

    The true value is that of a ratio: sum over all images of all sequences, by their number.
    """
    trials, hits = 300, 0
    groups = [f"g{at}" for at, size in enumerate(sizes) for _ in range(size)]
    lengths, left_out = np.array(sizes), left_out_weights(groups)
    rng = np.random.default_rng(7)
    for trial in range(trials):
        shared = np.repeat(rng.exponential(0.1, len(sizes)) - 0.1, lengths)
        values = 0.03 + shared + rng.normal(0, 0.03, len(groups))
        draws = draw_weights(groups, trial, 600)
        low, high = bca(values.mean(), draws @ values / draws.sum(1), [left_out @ values / left_out.sum(1)])
        hits += low <= 0.03 <= high
    assert 0.88 <= hits / trials <= 0.98


@pytest.mark.parametrize("n", [3, 12, EXACT, EXACT + 1, 400])
def test_the_rank_test_is_scipys_without_ties(n):
    values = np.random.default_rng(n).normal(0.2, 1, n)
    method = "exact" if n <= EXACT else "approx"
    assert signed_rank(values) == pytest.approx(stats.wilcoxon(values, method=method).pvalue, rel=1e-9)


def test_the_rank_test_is_scipys_with_ties_and_zeros():
    values = np.random.default_rng(1).integers(-4, 7, 300).astype(float)
    theirs = stats.wilcoxon(values, zero_method="pratt", method="approx", correction=False).pvalue
    assert signed_rank(values) == pytest.approx(theirs, rel=1e-9)


def test_few_differences_with_ties_and_zeros_are_counted_one_by_one():
    """A literal twin: every choice of signs of the non-zero differences, ranked with the zeros among them."""
    values = np.array([0.0, 0.3, -0.3, 0.5, 0.5, 0.0, 0.7, -0.1, 0.9, 0.4])
    ranks = stats.rankdata(np.abs(values))[values != 0]
    sums = np.array([ranks[np.array(signs)].sum() for signs in itertools.product((False, True), repeat=len(ranks))])
    seen = ranks[values[values != 0] > 0].sum()
    expected = 2 * min((sums >= seen).mean(), (sums <= seen).mean())
    assert signed_rank(values) == pytest.approx(expected, rel=1e-12)


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
