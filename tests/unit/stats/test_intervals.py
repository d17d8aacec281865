"""Intervals cover what they promise and follow the clusters of the data."""

import numpy as np
import pytest

from bench.contracts import LeftOut, Score
from bench.stats.bootstrap import bounds, combine, draw_weights, mean_interval, standard_deviation
from bench.stats.groups import clusters
from bench.stats.jackknife import difference, jackknife_interval, jackknife_variance
from bench.stats.student import student_t


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


@pytest.mark.parametrize("groups", [5, 10])
def test_the_interval_of_few_groups_is_as_sure_as_it_says(groups):
    """Of normal effects of a group: percentiles alone cover 83 and 90 %."""
    rng, hits, trials = np.random.default_rng(4), 0, 300
    names = [f"g{at // 12}" for at in range(groups * 12)]
    for trial in range(trials):
        values = np.repeat(rng.normal(0.7, 0.15, groups), 12) + rng.normal(0, 0.1, groups * 12)
        low, high = mean_interval(values, names, trial)
        hits += low <= 0.7 <= high
    assert 0.92 <= hits / trials <= 0.98


def test_overall_is_weighted_by_images_or_not():
    sets = [np.array([0.9]), np.array([0.5])]
    assert combine(sets, [300, 100], weighted=True)[0] == pytest.approx(0.8)
    assert combine(sets, [300, 100], weighted=False)[0] == pytest.approx(0.7)


def test_spread_over_seeds():
    assert standard_deviation([0.5]) is None
    assert standard_deviation([0.0, 1.0]) == pytest.approx(np.sqrt(0.5))


def left_out_means(values, sizes, side="real"):
    """Means of `values` without one run of images each, `sizes` images long."""
    ends = np.cumsum(sizes)
    kept = [np.delete(values, np.arange(end - size, end)) for size, end in zip(sizes, ends, strict=True)]
    return LeftOut(side, np.array([one.mean() for one in kept]), np.array(sizes))


def test_the_jackknife_of_a_mean_is_its_standard_error():
    """One image left out at a time: s / sqrt(n)."""
    values = np.random.default_rng(0).normal(size=40)
    variance = jackknife_variance(left_out_means(values, [1] * 40))
    assert variance == pytest.approx(values.var(ddof=1) / 40, rel=1e-12)


def test_equal_parts_give_the_ordinary_grouped_jackknife():
    """(g - 1) / g times the sum of squared deviations, whatever the statistic."""
    values = np.random.default_rng(1).normal(size=10) ** 3
    variance = jackknife_variance(LeftOut("both", values, np.full(10, 7)))
    assert variance == pytest.approx(9 / 10 * ((values - values.mean()) ** 2).sum(), rel=1e-12)


def test_unequal_parts_follow_the_pseudo_values():
    """Busing et al. (1999), written out: n / m_j of the value less n / m_j - 1 of that without part j."""
    sizes = [1, 5, 2, 9, 3, 1, 4]
    values = np.random.default_rng(2).exponential(size=sum(sizes))
    parts = left_out_means(values, sizes)
    h = sum(sizes) / np.array(sizes)
    pseudo = h * values.mean() - (h - 1) * parts.values
    estimate = len(sizes) * values.mean() - ((1 - 1 / h) * parts.values).sum()
    assert jackknife_variance(parts) == pytest.approx(((pseudo - estimate) ** 2 / (h - 1)).mean(), rel=1e-10)


def test_a_constant_bias_does_not_move_the_jackknife():
    parts = left_out_means(np.random.default_rng(3).normal(size=12), [1, 2, 3, 6])
    moved = LeftOut(parts.side, parts.values + 100, parts.sizes)
    assert jackknife_variance(moved) == pytest.approx(jackknife_variance(parts), rel=1e-9)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (30, 2.042), (1e6, 1.960)]
)
def test_the_quantile_is_that_of_students_table(freedom, quantile):
    """Printed tables give three decimals of the 97.5 % quantile."""
    assert student_t(freedom) == pytest.approx(quantile, abs=5e-4)


def test_the_quantile_takes_freedoms_that_are_not_whole():
    """Satterthwaite's; between those of the whole numbers beside it."""
    assert student_t(3) < student_t(2.5) < student_t(2)


def test_independent_sides_add_their_variances():
    """The interval of a difference of two means is Welch's."""
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(4)
    x, y = rng.normal(0, 1, 25), rng.normal(0, 3, 40)
    sides = [left_out_means(x, [1] * 25, "real"), left_out_means(-y, [1] * 40, "fake")]
    low, high = jackknife_interval(x.mean() - y.mean(), sides)
    welch = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    assert (low, high) == pytest.approx((welch.low, welch.high), rel=1e-5)


def test_two_parts_have_no_interval():
    assert jackknife_interval(1.0, [left_out_means(np.arange(6.0), [3, 3])]) is None
    assert jackknife_interval(1.0, []) is None
    assert jackknife_interval(1.0, [left_out_means(np.ones(6), [2, 2, 2])]) == (1.0, 1.0)


def distance(real, fake):
    """A toy distance of two sets: difference of means, with what the jackknife needs."""
    sides = (
        left_out_means(real, [1] * len(real), "real"),
        left_out_means(-fake, [1] * len(fake), "fake"),
    )
    return Score(value=real.mean() - fake.mean(), n_real=len(real), n_fake=len(fake), left_out=sides)


def test_what_two_scores_share_cancels_in_their_difference():
    """Against the same reference its noise plays no part: the interval is that of the synthetic sets alone."""
    rng = np.random.default_rng(5)
    real, one, other = rng.normal(0, 50, 30), rng.normal(0, 1, 30), rng.normal(1, 1, 45)
    value, low, high = difference(distance(real, one), distance(real, other))
    assert value == pytest.approx(other.mean() - one.mean())
    se = np.sqrt(one.var(ddof=1) / 30 + other.var(ddof=1) / 45)
    assert (high - low) / 2 == pytest.approx(2 * se, rel=0.02)
    assert low < value < high


def test_parts_of_both_sets_subtract_too():
    """A score's difference to itself is 0 without doubt; to one that every part moves otherwise it is not."""
    rng = np.random.default_rng(6)
    one, other = (
        Score(value=1.0, n_real=20, n_fake=30, left_out=(LeftOut("both", rng.normal(size=10), np.full(10, size)),))
        for size in (5, 6)
    )
    assert difference(one, one) == (0.0, 0.0, 0.0)
    _, low, high = difference(one, other)
    parts = one.left_out[0].values - other.left_out[0].values
    assert high - low == pytest.approx(2 * 2.2622 * np.sqrt(9 / 10 * ((parts - parts.mean()) ** 2).sum()), rel=1e-3)


def test_images_that_all_differ_by_the_same_tell_nothing_of_others():
    """No copy among 50 images of either set is not a difference of exactly 0."""
    none = Score(value=0.0, n_real=20, n_fake=50, per_image=np.zeros(50), ids=tuple(map(str, range(50))))
    assert difference(none, none) is None


def test_scores_with_nothing_in_common_have_no_difference():
    """Another parting of the reference, other sides, or images with no id in common."""
    rng = np.random.default_rng(7)
    real, fake = rng.normal(size=20), rng.normal(size=20)
    whole = distance(real, fake)
    assert difference(whole, distance(real[:15], fake)) is None
    assert difference(whole, Score(value=0.0, n_real=20, n_fake=20)) is None
    both = Score(value=0.0, n_real=20, n_fake=20, left_out=(LeftOut("both", real, np.full(20, 2)),))
    assert difference(whole, both) is None
    images = [Score(value=0.0, n_real=3, n_fake=3, per_image=np.arange(3.0), ids=tuple(ids)) for ids in ("abc", "xyz")]
    assert difference(*images) is None


def test_values_of_the_same_images_are_subtracted_one_by_one():
    """Only ids in common count, in whatever order; what every image has in common cancels."""
    rng = np.random.default_rng(8)
    hard = rng.normal(0, 10, 60)
    ids = tuple(f"id{index}" for index in range(60))
    one = Score(value=0.0, n_real=60, n_fake=60, per_image=hard + rng.normal(1, 0.1, 60), ids=ids)
    other = Score(value=0.0, n_real=60, n_fake=50, per_image=hard[9::-1], ids=ids[9::-1])
    value, low, high = difference(one, other)
    assert value == pytest.approx((one.per_image[:10] - hard[:10]).mean())
    assert low < value < high < low + 0.3


def test_paired_differences_are_resampled_by_group():
    """Groups whose images agree widen the interval; one group alone has none."""
    rng = np.random.default_rng(9)
    values = np.repeat(rng.normal(size=12), 5)
    ids = tuple(f"id{index}" for index in range(60))
    one, other = (
        Score(value=0.0, n_real=60, n_fake=60, per_image=values, ids=ids),
        Score(value=0.0, n_real=60, n_fake=60, per_image=values * 0, ids=ids),
    )
    _, low, high = difference(one, other)
    _, low_groups, high_groups = difference(one, other, {id: f"g{index // 5}" for index, id in enumerate(ids)})
    assert high_groups - low_groups > 1.8 * (high - low)
    assert difference(one, other, dict.fromkeys(ids, "g")) is None
