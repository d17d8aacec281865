"""KID is torch-fidelity's, and its interval is what it says."""

import numpy as np
import pytest

pytest.importorskip("torch_fidelity")

import torch

import metrics._mmd as mmd
from bench.contracts import Context, ImageSet, Space
from metrics.kid import Kid, Params
from tests.golden.fidelity_reference import features_of, published, random_images


def kid(real, fake, **params):
    plugin = Kid(Params(**params))
    (score,) = plugin.score(ImageSet((), real), ImageSet((), fake), Space("Inception"), Context(0, "")).values()
    return score


def cloud(count, seed, shift=0.0, dim=16):
    """Non-negative, like pooled activations."""
    points = np.random.default_rng(seed).normal(size=(count, dim)) + shift
    return np.maximum(points, 0).astype(np.float32)


def by_double_loop(x, y):
    def k(a, b):
        return (float(a.astype(np.float64) @ b.astype(np.float64)) / len(a) + 1) ** 3

    n, m = len(x), len(y)
    xx = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return xx + yy - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


@pytest.mark.parametrize(("n", "m", "size", "subsets"), [(40, 50, 20, 7), (30, 30, 1000, 100), (30, 45, 1000, 9)])
def test_the_value_is_that_of_torch_fidelitys_own_command(n, m, size, subsets):
    """Large sets with its subsets; small sets with the subset size our rule states, which it must be told."""
    real, fake = random_images(n, 16, 1), random_images(m, 16, 2, shift=20)
    told = min(size, n, m)
    draws = 1 if told == n == m else subsets
    theirs = published(real, fake, kid=True, kid_subset_size=told, kid_subsets=draws)["kernel_inception_distance_mean"]
    features = (features_of(torch.from_numpy(images)).numpy() for images in (real, fake))
    assert theirs > 0.01
    assert kid(*features, subset_size=size, subsets=subsets).value == pytest.approx(theirs, rel=1e-4, abs=1e-6)


def test_the_full_u_statistic_is_a_double_loop():
    """Small equal sets: every pair counted once, no image paired with itself."""
    x, y = cloud(9, 1), cloud(9, 2, shift=0.5)
    assert kid(x, y).value == pytest.approx(by_double_loop(x, y), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("block", [4, 512])
def test_row_sums_give_the_same_u_statistic(monkeypatch, block):
    """In float64, for sets of unequal size, whatever the block of rows."""
    monkeypatch.setattr(mmd, "BLOCK", block)
    x, y = cloud(9, 1), cloud(13, 2, shift=0.5)
    assert mmd.u_statistic(mmd.row_sums(x, y)) == pytest.approx(by_double_loop(x, y), rel=1e-10)


def test_unequal_sets_average_to_the_full_u_statistic():
    """Drawing from the larger set costs nothing but a little noise, far inside the interval."""
    x, y = cloud(60, 1), cloud(40, 2, shift=0.4)
    score = kid(x, y)
    full = mmd.u_statistic(mmd.row_sums(x, y))
    assert abs(score.value - full) < 0.2 * (score.high - score.low) / 2


def test_a_set_against_itself_is_below_zero_by_the_closed_form():
    """KID(X, X) = -2 (mean of the diagonal - mean off it) / n: never assert that KID is at least 0."""
    x = cloud(25, 3)
    gram = mmd.kernel(x.astype(np.float64), x.astype(np.float64))
    off = (gram.sum() - np.trace(gram)) / (25 * 24)
    assert kid(x, x).value == pytest.approx(-2 * (np.trace(gram) / 25 - off) / 25, rel=1e-3)
    assert kid(x, x).value < 0


def test_the_order_of_images_does_not_matter():
    x, y = cloud(50, 1), cloud(50, 2, shift=0.2)
    shuffled = np.random.default_rng(0).permutation(50)
    ours, other = kid(x, y), kid(x[shuffled], y[shuffled[::-1]])
    assert other.value == pytest.approx(ours.value, abs=1e-5)
    assert other.high == pytest.approx(ours.high, abs=1e-5)


def test_a_collapsed_set_scores_worse():
    real, other = cloud(100, 1), cloud(100, 2)
    collapsed = np.repeat(cloud(1, 3), 100, axis=0)
    assert kid(real, collapsed).low > kid(real, other).high


@pytest.mark.parametrize(("n", "m"), [(7, 7), (6, 11)])
def test_the_jackknife_is_leaving_out_one_image_at_a_time(n, m):
    """Closed form = brute force over both sets."""
    x, y = cloud(n, 1), cloud(m, 2, shift=0.3)
    without_x = np.array([by_double_loop(np.delete(x, i, 0), y) for i in range(n)])
    without_y = np.array([by_double_loop(x, np.delete(y, i, 0)) for i in range(m)])
    variance = (n - 1) * without_x.var() + (m - 1) * without_y.var()
    assert mmd.jackknife_se(mmd.row_sums(x, y)) == pytest.approx(np.sqrt(variance), rel=1e-8)


@pytest.mark.parametrize(("shift", "low"), [(0.4, 0.88), (0.0, 0.93)])
def test_the_interval_covers_the_true_value(shift, low):
    """Nominal 95 %: 88-98 % for two distributions that differ; never too narrow where they do not."""
    truth = mmd.u_statistic(mmd.row_sums(cloud(6000, 1), cloud(6000, 2, shift))) if shift else 0.0
    scores = [kid(cloud(80, 100 + i), cloud(80, 9000 + i, shift)) for i in range(300)]
    covered = np.mean([score.low <= truth <= score.high for score in scores])
    assert low <= covered <= (0.98 if shift else 1.0)
    if not shift:
        values = np.array([score.value for score in scores])
        assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values)), "the estimate is biased"
