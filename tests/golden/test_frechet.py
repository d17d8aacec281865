"""The Fréchet distance by singular values is exact, and its extrapolation does what it says."""

import numpy as np
import pytest

from bench.contracts import Context, ImageSet, Sample, Space
from bench.stats.jackknife import difference, jackknife_interval
from metrics import _frechet as frechet
from metrics import fid


def cloud(count, dim, seed, shift=0.0, spread=1.0):
    mix = np.random.default_rng(99).normal(size=(dim, dim)) / np.sqrt(dim)
    points = np.random.default_rng(seed).normal(size=(count, dim)) @ mix
    return np.maximum(points * spread + shift, 0)


def textbook(x, y):
    linalg = pytest.importorskip("scipy.linalg")
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s + t - 2 * linalg.sqrtm(s @ t).real)


@pytest.mark.parametrize(("n", "m", "dim"), [(200, 150, 12), (30, 90, 24), (90, 30, 24)])
def test_it_is_the_textbook_formula(n, m, dim):
    """More images than dimensions, in both sets."""
    x, y = cloud(n, dim, 1), cloud(m, dim, 2, 0.3, 1.4)
    assert frechet.frechet(x, y) == pytest.approx(textbook(x, y), rel=1e-8)


@pytest.mark.parametrize(("n", "dim"), [(400, 32), (20, 96)])
def test_a_set_against_itself_is_at_no_distance(n, dim):
    x = cloud(n, dim, 1)
    assert frechet.frechet(x, x) == pytest.approx(0, abs=1e-9)


def test_known_distances():
    """A shift by v is |v|^2; scaling by s around the mean is (s - 1)^2 tr S: exact for any n and d."""
    x = cloud(15, 40, 1)
    assert frechet.frechet(x, x + 0.5) == pytest.approx(40 * 0.25, rel=1e-9)
    scaled = x.mean(0) + 3 * (x - x.mean(0))
    assert frechet.frechet(x, scaled) == pytest.approx(4 * np.trace(np.cov(x, rowvar=False)), rel=1e-9)


@pytest.mark.parametrize("dim", [8, 24, 300])
def test_subsets_have_the_distance_of_their_images(dim):
    """The fast route agrees to 1e-6, with more images than dimensions and with fewer, and far from the origin."""
    x, y = cloud(70, dim, 1) + 20, cloud(50, dim, 2, 0.2) + 20
    rows_x, rows_y = np.arange(60)[::-1], np.arange(5, 45)
    both = frechet.clouds(x, y)
    for a, b in ((rows_x, rows_y), (rows_y, rows_x[20:40])):
        assert both.distance(a, b) == pytest.approx(frechet.frechet(x[a], y[b]), rel=1e-6)


def test_windows_take_every_image_equally_often():
    """Halves twice in four, three quarters thrice; whole groups stand together and are never split between parts."""
    groups = np.random.default_rng(0).integers(0, 25, 120)
    one, _ = frechet.circles(groups, np.arange(80), 0)
    for share, times in ((0.5, 2), (0.75, 3)):
        windows = [one.window(start, share) for start in range(4)]
        assert (np.bincount(np.concatenate(windows)) == times).all()
    assert one.part.max() == 9
    assert all(len(set(one.part[groups == group])) == 1 for group in set(groups))
    assert (np.diff(groups[one.rows]) != 0).sum() == len(set(groups)) - 1
    assert (one.part[one.window(1, 0.5, without=4)] != 4).all()


def test_the_reference_is_parted_in_the_same_way_whatever_stands_against_it():
    """So that differences of two generators can be jackknifed; another seed parts it otherwise."""
    groups = np.arange(100)
    one, other, again = (frechet.circles(groups, np.arange(n), seed)[0] for n, seed in ((60, 1), (90, 1), (90, 2)))
    assert (one.rows == other.rows).all()
    assert (one.part == other.part).all()
    assert (other.rows != again.rows).any()


def test_values_without_a_part_are_those_of_the_images_that_remain():
    """Infinity from windows whose part is cut out by hand, by a plain least-squares line."""
    x, y = cloud(60, 10, 1), cloud(80, 10, 2, 0.3)
    one, other = frechet.circles(np.arange(60), np.arange(80), 0)
    (found,) = frechet.left_out(frechet.clouds(x, y), one, other)
    assert (found.side, found.sizes.tolist()) == ("both", [14] * 10)
    inverse, values = [], []
    for share, starts in ((0.5, 4), (0.75, 4), (1.0, 1)):
        cut = [
            [z[[row for row in ring.window(start, share) if ring.part[row] != 3]] for z, ring in ((x, one), (y, other))]
            for start in range(starts)
        ]
        inverse.append(np.mean([(1 / len(a) + 1 / len(b)) / 2 for a, b in cut]))
        values.append(np.mean([frechet.frechet(a, b) for a, b in cut]))
    line = np.linalg.lstsq(np.stack([np.ones(3), inverse], 1), np.array(values), rcond=None)[0]
    assert found.values[3] == pytest.approx(line[0], rel=1e-6)


def infinity(x, y, seed=0):
    sets = ImageSet((), x.astype(np.float32)), ImageSet((), y.astype(np.float32))
    return fid.Fid(fid.Params()).score(*sets, Space("Inception"), Context(seed=seed, workdir=""))["FID-infinity"]


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_line_takes_the_bias_away_where_images_outnumber_dimensions(shift):
    """Mean over repeats: within three errors and 3 % of the truth, where the plain distance is far above it."""
    truth = frechet.frechet(cloud(40_000, 12, 1), cloud(40_000, 12, 2, shift)) if shift else 0.0
    pairs = [(cloud(100, 12, 100 + i), cloud(100, 12, 5000 + i, shift)) for i in range(60)]
    rings = frechet.circles(np.arange(100), np.arange(100), 0)
    values = np.array([frechet.infinity(frechet.clouds(*pair), *rings) for pair in pairs])
    plain = np.array([frechet.frechet(*pair) for pair in pairs])
    error = values.std() / np.sqrt(60)
    assert abs(values.mean() - truth) < 3 * error + 0.03 * truth
    assert plain.mean() > truth + 10 * error


@pytest.mark.parametrize("trials", [60, pytest.param(150, marks=pytest.mark.slow)])
def test_the_jackknife_covers_the_truth_where_images_outnumber_dimensions(trials):
    """Nominal 95 %: 88-98 %. Of 60 intervals half as wide, fewer than 88 % hold the truth all but surely."""
    truth = frechet.frechet(cloud(40_000, 12, 1), cloud(40_000, 12, 2, 0.4, 1.2))
    covered = []
    for trial in range(trials):
        both = frechet.clouds(cloud(120, 12, 100 + trial), cloud(120, 12, 5000 + trial, 0.4, 1.2))
        rings = frechet.circles(np.arange(120), np.arange(120), trial)
        low, high = jackknife_interval(frechet.infinity(both, *rings), frechet.left_out(both, *rings))
        covered.append(low <= truth <= high)
    assert 0.88 <= np.mean(covered) <= 0.98


def test_the_printed_interval_reaches_the_truth_where_dimensions_outnumber_images():
    """The line leaves bias there: the jackknife alone never reaches the truth, widened by the floor it does."""
    dim, spread = 150, np.arange(1, 151) ** -0.5
    jackknife, printed = [], []
    for trial in range(8):
        rng = np.random.default_rng(trial)
        x, y = (rng.normal(size=(60, dim)) * spread for _ in range(2))
        score = infinity(x, y + 0.1 * spread, trial)
        truth = 0.01 * (spread**2).sum()
        low, high = jackknife_interval(score.value, score.left_out)
        jackknife.append(low <= truth <= high)
        printed.append(score.low <= truth <= score.high)
    assert np.mean(jackknife) == 0
    assert np.mean(printed) == 1


def test_the_order_of_images_does_not_matter():
    """Rows are drawn by id: shuffled sets have the same value, interval and parts."""
    names = [
        tuple(Sample(id=f"{side}{row:03d}", image="", mask="", group=f"g{row // 2}") for row in range(70))
        for side in "rs"
    ]
    sets = [ImageSet(samples, cloud(70, 8, seed, seed / 4)) for seed, samples in enumerate(names)]
    shuffled = [images.rows(np.random.default_rng(5).permutation(70)) for images in sets]
    metric, space, ctx = fid.Fid(fid.Params()), Space("Inception"), Context(seed=3, workdir="")
    one, other = (metric.score(*pair, space, ctx)["FID-infinity"] for pair in (sets, shuffled))
    assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=1e-6)
    assert one.left_out[0].values == pytest.approx(other.left_out[0].values, rel=1e-6)


def test_a_difference_of_two_generators_is_surer_than_their_intervals():
    """What the reference and the bias do to both cancels."""
    real = cloud(100, 60, 1)
    one, other = infinity(real, cloud(100, 60, 2, 0.3)), infinity(real, cloud(100, 60, 3, 0.6))
    value, low, high = difference(one, other)
    assert value == one.value - other.value
    assert low < value < high < 0
    assert high - low < 0.8 * ((one.high - one.low) + (other.high - other.low)) / 2
