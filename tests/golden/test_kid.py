"""KID is torch-fidelity's, and its interval is what it says."""

import numpy as np
import pytest

pytest.importorskip("torch_fidelity")

import torch

import metrics._mmd as mmd
import metrics.kid as kid_module
from bench.contracts import Context, ImageSet, Sample, Space
from bench.stats.jackknife import difference, jackknife_variance
from metrics.kid import Kid, Params
from tests.golden.fidelity_reference import features_of, published, random_images


def kid(real, fake, **params):
    plugin = Kid(Params(**params))
    (score,) = plugin.score(
        ImageSet((), real), ImageSet((), fake), Space("Inception"), Context(seed=0, workdir="")
    ).values()
    return score


def u_statistic(x, y):
    return mmd.mmd(*mmd.sides(x, y, mmd.polynomial))


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
    assert u_statistic(x, y) == pytest.approx(by_double_loop(x, y), rel=1e-10)


def test_unequal_sets_average_to_the_full_u_statistic():
    """Drawing from the larger set costs nothing but a little noise, far inside the interval."""
    x, y = cloud(60, 1), cloud(40, 2, shift=0.4)
    score = kid(x, y)
    full = u_statistic(x, y)
    assert abs(score.value - full) < 0.2 * (score.high - score.low) / 2


def test_a_set_against_itself_is_below_zero_by_the_closed_form():
    """KID(X, X) = -2 (mean of the diagonal - mean off it) / n: never assert that KID is at least 0."""
    x = cloud(25, 3)
    gram = mmd.polynomial(x.astype(np.float64), x.astype(np.float64))
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


GROUPS = {
    "alone": (np.arange(7), np.arange(9)),
    "unequal": (np.array([0, 1, 0, 2, 2, 2, 3]), np.array([3, 3, 0, 1, 2, 2, 2, 2, 4])),
}


@pytest.mark.parametrize("block", [2, 512])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("kernel", [mmd.polynomial, mmd.gaussian])
@pytest.mark.parametrize("groups", GROUPS)
def test_values_without_a_part_are_those_of_the_images_that_remain(monkeypatch, groups, kernel, biased, block):
    """Closed form = starting anew without the part's images, for both sets, kernels and estimators."""
    monkeypatch.setattr(mmd, "BLOCK", block)
    of_x, of_y = GROUPS[groups]
    x, y = cloud(len(of_x), 1), cloud(len(of_y), 2, shift=0.3)

    def anew(x, y):
        return mmd.mmd(*mmd.sides(x, y, kernel), biased)

    real, fake = mmd.left_out(*mmd.sides(x, y, kernel, of_x, of_y), biased)
    assert (real.side, fake.side) == ("real", "fake")
    assert real.values == pytest.approx([anew(x[of_x != part], y) for part in range(of_x.max() + 1)], rel=1e-9)
    assert fake.values == pytest.approx([anew(x, y[of_y != part]) for part in range(of_y.max() + 1)], rel=1e-9)
    assert (real.sizes.tolist(), fake.sizes.tolist()) == (np.bincount(of_x).tolist(), np.bincount(of_y).tolist())


def test_the_interval_is_that_of_leaving_out_one_image_at_a_time():
    """Its half width is Student's t times the brute-force jackknife of both sets."""
    x, y = cloud(12, 1), cloud(15, 2, shift=0.3)
    without_x = np.array([by_double_loop(np.delete(x, i, 0), y) for i in range(12)])
    without_y = np.array([by_double_loop(x, np.delete(y, i, 0)) for i in range(15)])
    variances = np.array([11 * without_x.var(), 14 * without_y.var()])
    score = kid(x, y)
    assert [jackknife_variance(part) for part in score.left_out] == pytest.approx(variances, rel=1e-8)
    stats = pytest.importorskip("scipy.stats")
    freedom = variances.sum() ** 2 / (variances**2 / [11, 14]).sum()
    half = stats.t.ppf(0.975, freedom) * np.sqrt(variances.sum())
    assert (score.high - score.low) / 2 == pytest.approx(half, rel=1e-3)


def test_whole_groups_are_left_out():
    """Eight frames of one sequence are no eight images: the interval is as wide as that of one frame a sequence."""
    x, y = cloud(30, 1), cloud(30, 2, shift=0.5)
    frames = [np.repeat(z, 8, axis=0) + cloud(240, seed) * 0.01 for seed, z in ((3, x), (4, y))]
    named = [
        tuple(Sample(id=f"{side}{row}", image="", mask="", group=f"g{row // 8}") for row in range(240))
        for side in ("real", "fake")
    ]
    plugin, space, ctx = Kid(Params()), Space("Inception"), Context(seed=0, workdir="")
    (grouped,) = plugin.score(*map(ImageSet, named, frames), space, ctx).values()
    single, naive = kid(x, y), kid(*frames)
    assert len(grouped.left_out[0].values) == 30
    assert grouped.high - grouped.low == pytest.approx(single.high - single.low, rel=0.15)
    assert naive.high - naive.low < 0.5 * (grouped.high - grouped.low)


def test_the_floor_of_equal_distributions_holds_the_value():
    """Real against fresh of one distribution lies among real halves; a shifted set far above them, also at their n."""
    real = cloud(200, 1)
    same, shifted = kid(real, cloud(200, 2)), kid(real, cloud(200, 2, shift=0.4))
    assert (same.floor.n, same.floor.splits) == (100, 10)
    assert same.floor == kid(real, cloud(200, 2)).floor
    assert abs(same.value - same.floor.value) < 4 * same.floor.sd
    assert shifted.value > same.floor.value + 10 * same.floor.sd
    assert shifted.floor.at_n == pytest.approx(shifted.value, rel=0.2)


def true_distance(fake, shift):
    """Of sets so large that their own errors are a seventh of those the intervals are about."""
    return u_statistic(cloud(4000, 1), cloud(4000, fake, shift))


@pytest.mark.slow
def test_differences_of_two_generators_cover_the_truth(monkeypatch):
    """Jackknifed against the same real sets: 88-98 %, and narrower than if the two scores were independent."""
    monkeypatch.setattr(kid_module, "floors", lambda *_: {})
    truth = true_distance(2, 0.4) - true_distance(3, 0.5)
    covered, widths = [], []
    for trial in range(150):
        real = cloud(60, 100 + trial)
        one, other = kid(real, cloud(60, 5000 + trial, 0.4)), kid(real, cloud(60, 9000 + trial, 0.5))
        _, low, high = difference(one, other)
        covered.append(low <= truth <= high)
        widths.append((high - low) / np.hypot(one.high - one.low, other.high - other.low))
    assert 0.88 <= np.mean(covered) <= 0.98
    assert np.mean(widths) < 0.95


@pytest.mark.parametrize(("shift", "low"), [(0.4, 0.88), (0.0, 0.93)])
def test_the_interval_covers_the_true_value(monkeypatch, shift, low):
    """Nominal 95 %: 88-98 % for two distributions that differ; never too narrow where they do not."""
    monkeypatch.setattr(kid_module, "floors", lambda *_: {})
    truth = true_distance(2, shift) if shift else 0.0
    scores = [kid(cloud(80, 100 + i), cloud(80, 9000 + i, shift)) for i in range(300)]
    covered = np.mean([score.low <= truth <= score.high for score in scores])
    assert low <= covered <= (0.98 if shift else 1.0)
    if not shift:
        values = np.array([score.value for score in scores])
        assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values)), "the estimate is biased"
