"""Precision and recall are torch-fidelity's; density and coverage are their definitions."""

import numpy as np
import pytest

pytest.importorskip("torch_fidelity")

import torch

import metrics._neighbours as neighbours
from bench.contracts import Context, ImageSet, Sample, Space
from bench.errors import BenchError
from metrics import prdc
from metrics.prdc import Params, Prdc
from tests.golden.fidelity_reference import features_of, published, random_images


def cloud(count, seed, shift=0.0, dim=6):
    return (np.random.default_rng(seed).normal(size=(count, dim)) + shift).astype(np.float32)


def scores(real, fake, groups=None, **params):
    samples = tuple(Sample(id=str(i), image="", mask="", group=group) for i, group in enumerate(groups or []))
    found = Prdc(Params(**params)).score(
        ImageSet(samples, real), ImageSet((), fake), Space("X"), Context(seed=0, workdir="")
    )
    return {name.removesuffix("-X"): score for name, score in found.items()}


def values(real, fake, **params):
    return {name: score.value for name, score in scores(real, fake, **params).items()}


def by_definition(real, fake, k):
    """(density, coverage) by loops over images in float64: strictly inside, a point is no neighbour of itself."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    wide = [np.sort([np.linalg.norm(a - b) for j, b in enumerate(real) if j != i])[k - 1] for i, a in enumerate(real)]
    inside = np.array([[np.linalg.norm(a - b) < radius for b in fake] for a, radius in zip(real, wide, strict=True)])
    return inside.sum() / (k * len(fake)), inside.any(axis=1).mean()


@pytest.mark.parametrize(("n", "m", "k"), [(60, 60, 3), (80, 50, 3), (50, 80, 2)])
def test_precision_and_recall_are_those_of_torch_fidelitys_own_command(n, m, k):
    """On the same images through the same network, sets of equal and unequal size; neither value is 0 or 1."""
    real, fake = random_images(n, 4, 1), random_images(m, 4, 2, shift=40)
    theirs = published(real, fake, prc=True, prc_neighborhood=k)
    ours = values(*(features_of(torch.from_numpy(images)).numpy() for images in (real, fake)), k=k)
    for name in ("precision", "recall"):
        assert 0.05 < theirs[name] < 0.95
        assert ours[name] == pytest.approx(theirs[name], rel=1e-4)


@pytest.mark.parametrize("block", [7, 512])
@pytest.mark.parametrize(("n", "m", "k"), [(40, 40, 5), (50, 30, 2)])
def test_density_and_coverage_are_their_definitions(monkeypatch, block, n, m, k):
    """Whatever the block of rows."""
    monkeypatch.setattr(neighbours, "BLOCK", block)
    real, fake = cloud(n, 1), cloud(m, 2, shift=0.5)
    density, coverage = by_definition(real, fake, k)
    found = values(real, fake, k_density=k)
    assert 0 < coverage < 1
    assert (found["density"], found["coverage"]) == pytest.approx((density, coverage), rel=1e-12)


@pytest.mark.parametrize("batch", [7, 1024])
def test_the_block_of_rows_changes_no_precision(monkeypatch, batch):
    real, fake = cloud(60, 1), cloud(50, 2, shift=0.5)
    whole = values(real, fake)
    monkeypatch.setattr(prdc, "BATCH", batch)
    assert values(real, fake) == whole


def test_a_set_against_itself_and_against_another_far_away():
    """Itself: precision, recall and coverage 1, so none of them sees copies. Far away: all 0."""
    real = cloud(60, 1)
    itself = values(real, real)
    assert (itself["precision"], itself["recall"], itself["coverage"]) == (1, 1, 1)
    assert set(values(real, cloud(60, 2, shift=50)).values()) == {0}


def test_sets_of_one_kind_have_density_1_and_the_coverage_the_docstring_states():
    """1 - 2^-k for k neighbours, at equal size."""
    for k in (2, 5):
        found = [prdc.density_coverage(cloud(300, seed), cloud(300, 1000 + seed), k) for seed in range(40)]
        assert np.mean([density for density, _ in found]) == pytest.approx(1, abs=0.03)
        assert np.mean([covered for _, covered in found]) == pytest.approx(1 - 2.0**-k, abs=0.01)


def test_fidelity_and_diversity_are_told_apart():
    """A shrunk set is precise and recalls little; a scattered one the other way round; one image covers nothing."""
    real, other = cloud(200, 1), cloud(200, 2)
    fresh, shrunk, scattered = values(real, other), values(real, other * 0.3), values(real, other * 3)
    assert shrunk["precision"] > fresh["precision"] > scattered["precision"]
    assert shrunk["density"] > fresh["density"] > scattered["density"]
    assert fresh["recall"] - shrunk["recall"] > 0.3
    assert fresh["coverage"] - shrunk["coverage"] > 0.3
    one = values(real, np.repeat(real[:1], 200, axis=0))
    assert one["recall"] < 0.05
    assert one["coverage"] < 0.1


@pytest.mark.slow
def test_the_interval_covers_the_value_for_this_real_set(monkeypatch):
    """Nominal 95 %, the real set fixed: 91-99 % of the intervals hold the mean over all draws of synthetic images."""
    monkeypatch.setattr(prdc, "floors", lambda *_, **__: {})
    real = cloud(11, 1, dim=4)
    found = [scores(real, cloud(60, 100 + seed, shift=0.8, dim=4)) for seed in range(300)]
    for name in ("precision", "density"):
        truth = np.mean([one[name].value for one in found])
        assert 0.91 <= np.mean([one[name].low <= truth <= one[name].high for one in found]) <= 0.99


def test_an_interval_never_reads_as_certainty():
    """All inside: precision's lower bound is below 1. All outside: its upper one is above 0, and density has none."""
    real = cloud(60, 1)
    assert 0.9 < scores(real, real)["precision"].low < 1
    far = scores(real, cloud(60, 2, shift=50))
    assert far["precision"].high > 0.01
    assert (far["density"].low, far["density"].high) == (None, None)
    assert scores(real, real)["recall"].low is None


def test_the_floor_stands_beside_each_value():
    """Halves of the real set hold 30 images: the floor's n; a far set lies below it at the same n."""
    real = cloud(60, 1)
    for score in scores(real, cloud(60, 2, shift=3)).values():
        assert score.floor.n == 30
        assert score.floor.at_n < score.floor.value - 2 * score.floor.sd


def test_the_estimator_names_neighbours_and_comparison():
    """Both are conventions that differ between papers: k and < or <=."""
    said = {name: score.estimator for name, score in scores(cloud(40, 1), cloud(40, 2), k=4, k_density=6).items()}
    assert "k=4, <=" in said["precision"]
    assert "k=4, <=" in said["recall"]
    assert said["density"].startswith("k=6, <;")
    assert said["coverage"] == "k=6, <"


def test_fewer_images_than_neighbours_are_refused_and_halves_of_few_have_no_floor():
    with pytest.raises(BenchError, match=r"precision-X: 5 real image\(s\); at least 6 are needed"):
        scores(cloud(5, 1), cloud(9, 2))
    assert all(score.floor is None for score in scores(cloud(9, 1), cloud(9, 2)).values())
