"""Intervals cover what they promise and follow the clusters of the data."""

import numpy as np
import pytest

from bench.stats import bounds, clusters, combine, draw_weights, mean_over_seeds, spread


def test_empty_groups_stand_alone_and_equal_groups_together():
    index = clusters(["a", "", "a", "", "b"])
    assert index[0] == index[2]
    assert len(set(index.tolist())) == 4


def test_a_group_is_drawn_as_a_whole():
    weights = draw_weights(["a", "a", "b", "b"], seed=0, resamples=50)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 2] == weights[:, 3]).all()
    assert weights[:, [0, 2]].sum(1).tolist() == [2.0] * 50


def test_one_cluster_has_no_interval():
    assert draw_weights(["a", "a", "a"], seed=0) is None
    assert bounds(None) is None


def test_the_same_seed_draws_the_same_images():
    one, two, other = (draw_weights([""] * 9, seed) for seed in (1, 1, 2))
    assert (one == two).all()
    assert (one != other).any()


@pytest.mark.parametrize("clustered", [False, True])
def test_the_interval_covers_the_true_mean(clustered):
    """Nominal 95 % on 60 images; with clusters of four a naive bootstrap would cover far less."""
    rng, hits, trials = np.random.default_rng(3), 0, 200
    for trial in range(trials):
        shared = np.repeat(rng.normal(0, 0.15, 15), 4) if clustered else 0.0
        values = 0.7 + shared + rng.normal(0, 0.1, 60)
        groups = [f"g{index // 4}" if clustered else "" for index in range(60)]
        weights = draw_weights(groups, trial, resamples=400)
        low, high = bounds(weights @ values / weights.sum(1))
        hits += low <= 0.7 <= high
    assert 0.88 <= hits / trials <= 0.98


def test_overall_is_weighted_by_images_or_not():
    sets = [np.array([0.9]), np.array([0.5])]
    assert combine(sets, [300, 100], weighted=True)[0] == pytest.approx(0.8)
    assert combine(sets, [300, 100], weighted=False)[0] == pytest.approx(0.7)


def test_seeds_are_averaged_image_by_image():
    mean = mean_over_seeds([{"d": np.array([0.0, 1.0])}, {"d": np.array([1.0, 1.0])}])
    assert mean["d"].tolist() == [0.5, 1.0]
    assert spread([0.5]) is None
    assert spread([0.0, 1.0]) == pytest.approx(np.sqrt(0.5))
