"""The order-2 Vendi score is 1 / sum(lambda^2), at equal n, and its interval is what it says."""

import itertools

import numpy as np
import pytest

from bench.contracts import Context, ImageSet, Sample, Space
from bench.errors import BenchError
from metrics import vendi
from metrics.vendi import Params, Vendi


def cloud(count, seed, dim=8, spread=1.0):
    """Its first numbers vary most, as features do."""
    return (np.random.default_rng(seed).normal(size=(count, dim)) * spread ** np.arange(dim)).astype(np.float32)


def images(features, groups=None):
    names = groups if groups is not None else [""] * len(features)
    return ImageSet(tuple(Sample(id=f"id{i}", image="", mask="", group=g) for i, g in enumerate(names)), features)


def scores(real, fake):
    real, fake = (one if isinstance(one, ImageSet) else images(one) for one in (real, fake))
    found = Vendi(Params()).score(real, fake, Space("X"), Context(seed=0, workdir=""))
    return {name.removeprefix("Vendi2-").removesuffix("-X"): score for name, score in found.items()}


def units(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def by_eigenvalues(unit):
    """The definition."""
    values = np.linalg.eigvalsh(unit @ unit.T / len(unit))
    return 1 / (values**2).sum()


def test_orthogonal_images_count_in_full_and_copies_as_one():
    """n and 1; two kinds of image in equal parts are 2 of them."""
    basis = np.eye(12)
    for unit, effective in ((basis, 12), (np.repeat(basis[:1], 12, 0), 1), (np.tile(basis[:2], (6, 1)), 2)):
        assert vendi.effective(vendi.mean_square(unit), 12) == pytest.approx(effective)


@pytest.mark.parametrize("count", [5, 40])
def test_it_is_the_definition_by_eigenvalues(count):
    """Fewer and more images than dimensions; both sets about the mean of the real one."""
    real, fake = cloud(count, 1), cloud(count, 2, spread=0.6)
    found, centre = scores(real, fake), real.astype(np.float64).mean(0)
    ours, theirs = by_eigenvalues(units(real - centre)), by_eigenvalues(units(fake - centre))
    assert found["real"].value == pytest.approx(ours)
    assert found["synthetic"].value == pytest.approx(theirs)
    assert found["ratio"].value == pytest.approx(theirs / ours)


def test_a_larger_set_is_taken_at_the_smaller_ones_n():
    """sum(lambda^2) of the larger set is its average over all subsets of that size; nothing is drawn."""
    real, fake = cloud(9, 1), cloud(4, 2)
    unit = units(real - real.astype(np.float64).mean(0))
    inverse = [1 / by_eigenvalues(unit[list(rows)]) for rows in itertools.combinations(range(9), 4)]
    assert scores(real, fake)["real"].value == pytest.approx(1 / np.mean(inverse))


def test_the_number_of_images_alone_changes_nothing():
    """Three times as many synthetic images of the same kind: the ratio stays near 1."""
    found = [scores(cloud(100, s), cloud(n, 900 + s, spread=0.7)) for s in range(10) for n in (100, 300)]
    real = [scores(cloud(100, s, spread=0.7), cloud(300, 50 + s, spread=0.7))["ratio"].value for s in range(10)]
    few, many = (np.mean([one["synthetic"].value for one in found[side::2]]) for side in (0, 1))
    assert many == pytest.approx(few, rel=0.02)
    assert np.mean(real) == pytest.approx(1, abs=0.03)


def test_what_it_sees_and_what_it_misses():
    """Fewer kinds of image lower it, noise raises it above 1; copies and an even shrinkage leave it where it was."""
    real, other = cloud(300, 1, spread=0.9), cloud(300, 2, spread=0.9)
    centre = real.mean(0)
    fresh = scores(real, other)["ratio"]
    assert scores(real, np.tile(other[:3], (100, 1)))["ratio"].high < 0.8
    assert scores(real, other + 2 * cloud(300, 3))["ratio"].low > 1.05
    assert fresh.low < 1 < fresh.high
    assert scores(real, real)["ratio"].value == pytest.approx(1)
    assert scores(real, centre + 0.5 * (other - centre))["ratio"].value == pytest.approx(fresh.value, rel=1e-4)


@pytest.mark.parametrize("groups", [list("aabbbcdefg"), [""] * 10], ids=["groups", "images"])
def test_leaving_out_is_leaving_out(groups):
    """The closed form is the value without each group, about the whole set's mean, at the same n."""
    real, fake = images(cloud(10, 1), groups), images(cloud(8, 2), list("xxyyzzuv"))
    found, centre = scores(real, fake), real.features.astype(np.float64).mean(0)

    def effective(features):
        return vendi.effective(vendi.mean_square(units(features - centre)), 8)

    of_group = np.array([sample.group or sample.id for sample in real.samples])
    expected = {len(of_group[of_group == g]): [] for g in of_group}
    ours, theirs = found["ratio"].left_out
    assert (ours.side, theirs.side) == ("real", "fake")
    for size in expected:
        brute = [
            effective(fake.features) / effective(real.features[of_group != g])
            for g in set(of_group)
            if (of_group == g).sum() == size
        ]
        assert sorted(ours.values[ours.sizes == size]) == pytest.approx(sorted(brute))
    without = [effective(np.delete(fake.features, rows, 0)) for rows in ([0, 1], [2, 3], [4, 5], 6, 7)]
    assert sorted(theirs.values * effective(real.features)) == pytest.approx(sorted(without))


@pytest.mark.parametrize(("spread", "other"), [(0.7, 0.7), (0.7, 0.5)])
def test_the_interval_covers_the_true_ratio(monkeypatch, spread, other):
    """Nominal 95 %: 88-98 %, for sets of one kind and for a less varied one."""
    monkeypatch.setattr(vendi, "floors", lambda *_: {})
    found = [scores(cloud(80, s, spread=spread), cloud(80, 5000 + s, spread=other))["ratio"] for s in range(150)]
    many = vendi.directions(cloud(20000, 1, spread=spread), cloud(20000, 2, spread=other), "many")
    real, fake = (vendi.effective(vendi.mean_square(one), 80) for one in many)
    truth = fake / real
    assert 0.88 <= np.mean([score.low <= truth <= score.high for score in found]) <= 0.98


def test_frames_of_one_sequence_widen_the_interval():
    """Ten frames of each sequence, nearly alike, tell hardly more than one."""
    frames = np.repeat(cloud(20, 1), 10, 0) + 0.05 * cloud(200, 2)
    fake, groups = cloud(200, 3), [f"g{i // 10}" for i in range(200)]
    alone, grouped = (scores(images(frames, names), fake)["real"] for names in (None, groups))
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_the_floor_is_the_ratio_of_two_halves():
    floor = scores(cloud(60, 1), cloud(60, 2, spread=0.3))["ratio"].floor
    assert floor.n == 30
    assert floor.value == pytest.approx(1, abs=0.15)
    assert floor.at_n < floor.value - 2 * floor.sd


def test_a_single_group_has_no_interval_and_equal_images_are_refused():
    """One sequence tells nothing of the next; images that are all the same have no direction about their mean."""
    score = scores(images(cloud(10, 1), ["a"] * 10), cloud(10, 2))["ratio"]
    assert score.low is None
    assert "too few groups" in score.note
    with pytest.raises(BenchError, match=r"Vendi2-ratio-X: real image number 1 .* all real images the same"):
        scores(np.ones((10, 8), dtype=np.float32), cloud(10, 2))
