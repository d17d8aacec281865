"""FID is torch-fidelity's, and it is the Fréchet distance."""

import numpy as np
import pytest

pytest.importorskip("torch_fidelity")

import torch
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

from bench.contracts import Context, ImageSet, Space
from metrics.fid import Fid, Params
from tests.golden.fidelity_reference import features_of, published, random_images


def fid(real, fake):
    return Fid(Params()).score(ImageSet((), real), ImageSet((), fake), Space("Inception"), Context(seed=0, workdir=""))[
        "FID"
    ]


def cloud(count, dim, seed, shift=0.0, spread=1.0):
    mix = np.random.default_rng(99).normal(size=(dim, dim)) / np.sqrt(dim)
    points = np.random.default_rng(seed).normal(size=(count, dim)) @ mix
    return (points * spread + shift).astype(np.float32)


def by_svd(x, y):
    """tr (S1 S2)^1/2 is the nuclear norm of A B^T, with A, B the centred rows over sqrt(n - 1): exact at any rank."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    a, b = ((z - z.mean(0)) / np.sqrt(len(z) - 1) for z in (x, y))
    cross = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * cross


def by_sqrtm(x, y):
    """The textbook formula with scipy's matrix square root."""
    linalg = pytest.importorskip("scipy.linalg")
    x, y = x.astype(np.float64), y.astype(np.float64)
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = linalg.sqrtm(s @ t).real
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s + t - 2 * root)


def test_the_value_is_that_of_torch_fidelitys_own_command():
    """Features in, the same number out as calculate_metrics gives from the images."""
    real, fake = random_images(60, 16, 1), random_images(50, 16, 2, shift=20)
    theirs = published(real, fake, fid=True)["frechet_inception_distance"]
    ours = fid(features_of(torch.from_numpy(real)).numpy(), features_of(torch.from_numpy(fake)).numpy())
    assert theirs > 0.1
    assert ours.value == pytest.approx(theirs, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(("n", "m", "dim"), [(200, 200, 12), (150, 90, 24)])
def test_it_is_the_textbook_formula(n, m, dim):
    """Full rank: scipy's matrix square root and the singular values agree with it."""
    x, y = cloud(n, dim, 1), cloud(m, dim, 2, shift=0.3, spread=1.4)
    value = fid(x, y).value
    assert value == pytest.approx(by_sqrtm(x, y), rel=1e-4)
    assert value == pytest.approx(by_svd(x, y), rel=1e-4)


def test_it_is_exact_on_singular_covariances():
    """Fewer images than dimensions: the singular values, which need no full rank, agree."""
    x, y = cloud(20, 96, 1), cloud(30, 96, 2, shift=0.2)
    assert fid(x, y).value == pytest.approx(by_svd(x, y), rel=1e-4)


def test_fewer_images_than_dimensions_give_torch_fidelitys_value():
    """Within the space that the images span the value is the one of all dimensions."""
    x, y = cloud(30, 200, 1), cloud(40, 200, 2, shift=0.2)
    ours, theirs = (fid_features_to_statistics(torch.from_numpy(features)) for features in (y, x))
    whole = fid_statistics_to_metric(ours, theirs, verbose=False)[KEY_METRIC_FID]
    assert fid(x, y).value == pytest.approx(whole, rel=1e-4)
    assert fid(x, y).value == pytest.approx(by_svd(x, y), rel=1e-5)


def test_two_shifted_gaussians():
    """N(0, I) against N(m, I) tends to |m|^2. With means that are exact, few images do."""
    rng = np.random.default_rng(0)
    x, y = (points - points.mean(0) for points in rng.normal(size=(2, 2000, 6)))
    assert fid(x.astype(np.float32), (y + 0.5).astype(np.float32)).value == pytest.approx(6 * 0.25, rel=0.03)


@pytest.mark.parametrize("count", [300, 20])
def test_a_set_against_itself(count):
    """0 up to rounding, with many images and with fewer than dimensions."""
    x = cloud(count, 64, 3)
    assert abs(fid(x, x).value) < 1e-5 * np.trace(np.cov(x, rowvar=False))


def test_the_order_of_images_does_not_matter():
    x, y = cloud(80, 16, 1), cloud(80, 16, 2, shift=0.1)
    shuffled = np.random.default_rng(0).permutation(80)
    assert fid(x[shuffled], y[shuffled[::-1]]).value == pytest.approx(fid(x, y).value, rel=1e-5)


def test_a_collapsed_set_scores_worse():
    """Same mean, one mode: worse than another sample of the same distribution."""
    real, other = cloud(200, 16, 1), cloud(200, 16, 2)
    collapsed = real.mean(0) + cloud(200, 16, 3, spread=0.05)
    assert fid(real, collapsed).value > 5 * fid(real, other).value


def test_two_sets_of_one_distribution_score_higher_when_they_are_small():
    """The bias the note warns of: between samples of one distribution the distance grows as n shrinks."""
    small = fid(cloud(20, 32, 1), cloud(20, 32, 2)).value
    assert small > 4 * fid(cloud(400, 32, 1), cloud(400, 32, 2)).value
