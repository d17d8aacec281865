"""CMMD is its published formula, its unbiased twin has no bias, and both intervals are what they say."""

import numpy as np
import pytest

import metrics.cmmd as cmmd_module
from bench.contracts import Context, ImageSet, Sample, Space
from metrics.cmmd import Cmmd, Params


def cmmd(real, fake):
    """(CMMD, CMMD unbiased)"""
    found = Cmmd(Params()).score(
        ImageSet((), real), ImageSet((), fake), Space("CLIP-L14-336"), Context(seed=0, workdir="")
    )
    assert tuple(found) == ("CMMD", "CMMD unbiased")
    return tuple(found.values())


def cloud(count, seed, shift=0.0, dim=24, spread=1.0):
    """Embeddings that share a direction, as those of one organ do."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, dim)) * spread
    points[:, 0] += 6
    points[:, 1] += shift
    return points.astype(np.float32)


def unit(x):
    x = x.astype(np.float64)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def literal(x, y):
    """The published code in numpy: plain means over all pairs, an image's pair with itself among them."""
    x, y = unit(x), unit(y)
    gamma = 1 / (2 * 10**2)

    def mean_kernel(a, b):
        total = 0.0
        for row in a:
            for other in b:
                total += np.exp(-gamma * (-2 * row @ other + row @ row + other @ other))
        return total / (len(a) * len(b))

    return 1000 * (mean_kernel(x, x) + mean_kernel(y, y) - 2 * mean_kernel(x, y))


def literal_unbiased(x, y):
    """The same without the diagonal of the two sets' own pairs."""
    x, y = unit(x), unit(y)

    def kernel(a, b):
        return np.exp(-((a[:, None] - b) ** 2).sum(-1) / 200)

    own = sum((kernel(z, z).sum() - len(z)) / (len(z) * (len(z) - 1)) for z in (x, y))
    return 1000 * (own - 2 * kernel(x, y).mean())


@pytest.mark.parametrize(("n", "m"), [(40, 40), (35, 52)])
def test_it_is_the_published_formula(n, m):
    x, y = cloud(n, 1), cloud(m, 2, shift=1.0)
    biased, unbiased = cmmd(x, y)
    assert biased.value == pytest.approx(literal(x, y), rel=1e-6)
    assert unbiased.value == pytest.approx(literal_unbiased(x, y), rel=1e-6)


def test_it_is_ten_times_the_squared_distance_of_the_means():
    """Within 1 % on unit vectors, whatever else differs: hence blind to spread."""
    x, y = cloud(300, 1), cloud(300, 2, shift=1.5, spread=1.3)
    apart = unit(x).mean(0) - unit(y).mean(0)
    assert cmmd(x, y)[0].value == pytest.approx(10 * apart @ apart, rel=0.01)


def test_its_bias_is_that_of_the_formula():
    """Published less unbiased is 10 (trS_x / n + trS_y / m), trS = 1 - |mu|^2."""
    x, y = cloud(60, 1), cloud(90, 2, shift=0.5)
    biased, unbiased = cmmd(x, y)
    expected = 10 * sum((1 - (unit(z).mean(0) ** 2).sum()) / (len(z) - 1) for z in (x, y))
    assert biased.value - unbiased.value == pytest.approx(expected, rel=0.02)


def test_a_set_against_itself():
    """The published form is 0; without its diagonal it falls below, as KID does."""
    x = cloud(50, 1)
    biased, unbiased = cmmd(x, x)
    assert biased.value == pytest.approx(0, abs=1e-9)
    assert unbiased.value < 0


def test_lengths_of_features_play_no_part():
    x, y = cloud(40, 1), cloud(40, 2, shift=1.0)
    lengths = np.random.default_rng(0).uniform(0.5, 20, (40, 1)).astype(np.float32)
    assert cmmd(x * lengths, y / lengths)[0].value == pytest.approx(cmmd(x, y)[0].value, rel=1e-5)


def test_a_collapsed_set_scores_worse():
    real, other = cloud(100, 1), cloud(100, 2)
    collapsed = np.repeat(cloud(1, 3), 100, axis=0)
    for bad, good in zip(cmmd(real, collapsed), cmmd(real, other), strict=True):
        assert bad.low > good.high


def test_two_modes_and_forty_look_the_same_where_their_means_do():
    """What the estimator's line warns of; one of the modes alone is far away."""
    axes = np.eye(21)
    forty = np.concatenate([0.8 * axes[:1] + sign * 0.6 * axes[1:] for sign in (1, -1)])
    two = np.tile(forty[[0, 20]], (20, 1))
    biased, unbiased = cmmd(forty, two)
    assert "blind to spread" in biased.estimator
    assert abs(biased.value) < 0.005 * cmmd(forty, np.tile(forty[:1], (40, 1)))[0].value
    assert unbiased.value < 0


@pytest.mark.parametrize(("shift", "low"), [(3.0, 0.88), (0.0, 0.93)])
def test_both_intervals_cover_what_they_are_centred_on(monkeypatch, shift, low):
    """Nominal 95 %: the unbiased one covers the truth, the biased one the mean of the published form at this n."""
    monkeypatch.setattr(cmmd_module, "floors", lambda *_: {})
    truth = cmmd(cloud(3000, 1), cloud(3000, 2, shift))[1].value if shift else 0.0
    scores = [cmmd(cloud(60, 100 + i), cloud(60, 9000 + i, shift)) for i in range(200)]
    values = np.array([[score.value for score in pair] for pair in scores])
    for centre, found in zip((values[:, 0].mean(), truth), zip(*scores, strict=True), strict=True):
        covered = np.mean([score.low <= centre <= score.high for score in found])
        assert low <= covered <= (0.98 if shift else 1.0)
    assert abs(values[:, 1].mean() - truth) < 3 * values[:, 1].std() / np.sqrt(len(values)) + 0.02 * truth


def test_two_halves_of_one_set_have_a_floor_of_bias_alone():
    """The published form's floor is its bias at half the images; the twin's is 0 within the spread of its halves."""
    biased, unbiased = cmmd(cloud(200, 1), cloud(200, 2))
    spread = 1 - (unit(cloud(200, 1)).mean(0) ** 2).sum()
    assert (biased.floor.n, biased.floor.splits) == (100, 10)
    assert biased.floor.value == pytest.approx(10 * 2 * spread / 100, rel=0.1)
    assert abs(unbiased.floor.value) < 2 * unbiased.floor.sd


def test_samples_of_one_mask_are_left_out_together():
    """Four samples a mask are 15 parts of a set of 60, and the real images' groups are theirs."""
    real = tuple(Sample(id=f"r{row}", image="", mask="", group=f"g{row // 3}") for row in range(60))
    fake = tuple(Sample(id=f"s{row}", image="", mask="", source=f"r{row // 4}") for row in range(60))
    found = Cmmd(Params()).score(
        ImageSet(real, cloud(60, 1)), ImageSet(fake, cloud(60, 2)), Space("CLIP-L14-336"), Context(seed=0, workdir="")
    )
    for score in found.values():
        assert [(part.side, part.sizes.tolist()) for part in score.left_out] == [
            ("real", [3] * 20),
            ("fake", [4] * 15),
        ]
