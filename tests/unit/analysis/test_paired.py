"""Two rows on the same test images: what both find hard cancels, groups count once, undefined images do not count."""

import numpy as np
import pytest

from bench.analysis.estimate import Counts
from bench.analysis.paired import LEAST_CLUSTERS, overall, paired
from bench.analysis.test_scores import over_seeds
from bench.segscores import COUNTS, PER_IMAGE

PLACE = ("mdice@256", "")
RNG = np.random.default_rng(0)
HARD = RNG.normal(0.6, 0.2, 40)


def table(values, groups=None, names=None):
    """Rows of images with one value in every score of an image."""
    count = len(values)
    return [
        {"id": name, "group": group, **dict.fromkeys(PER_IMAGE, value), **dict.fromkeys(COUNTS, 5 + at)}
        for at, (name, group, value) in enumerate(
            zip(names or [f"i{n}" for n in range(count)], groups or [""] * count, values, strict=True)
        )
    ]


def scored(*trainings, groups=None, names=None):
    return over_seeds([table(values, groups, names) for values in trainings], seed=0)


def test_what_makes_an_image_hard_for_both_cancels():
    gap = RNG.normal(0.05, 0.01, 40)
    pair = paired(scored(HARD + gap), scored(HARD), PLACE)
    low, high, method = pair.interval()
    assert pair.number.value == pytest.approx(gap.mean())
    assert (pair.counts.images, pair.counts.clusters, method) == (40, 40, "BCa")
    assert high - low == pytest.approx(2 * 1.96 * gap.std() / np.sqrt(40), rel=0.1)
    assert low < pair.number.value < high


def test_equal_rows_differ_by_nothing():
    """Over several seeds, too, where rounding could leave a trace."""
    one = scored(HARD, HARD * 0.9, HARD**2)
    pair = paired(one, scored(HARD**2, HARD, HARD * 0.9), PLACE)
    low, high, method = pair.interval()
    assert (low, high) == pytest.approx((0, 0), abs=1e-12)
    assert pair.p_value() == 1
    same = paired(one, one, PLACE)
    assert (same.number.value, same.interval(), same.p_value(), same.beyond_training) == (
        0,
        (0, 0, "percentile"),
        1,
        False,
    )


def test_trainings_are_paired_and_averaged():
    """Seed by seed the rows differ by 0.1, 0.2 and 0.3: their spread is the difference's, not the scores'."""
    one = scored(HARD + 0.1, HARD + 0.7, HARD + 1.3)
    other = scored(HARD, HARD + 0.5, HARD + 1.0)
    pair = paired(one, other, PLACE)
    assert pair.number.value == pytest.approx(0.2)
    assert pair.number.sd == pytest.approx(0.1)
    assert not pair.beyond_training, "0.2 is less than 4.3 times 0.1 / sqrt(3)"
    assert paired(scored(HARD + 0.5, HARD + 0.7, HARD + 1.3), other, PLACE).beyond_training is False
    assert paired(scored(HARD + 0.2, HARD + 0.71, HARD + 1.2), other, PLACE).beyond_training is True
    alone = paired(scored(HARD + 0.1), scored(HARD), PLACE)
    assert (alone.number.sd, alone.beyond_training) == (None, None)
    unequal = paired(one, scored(HARD), PLACE)
    assert (unequal.number.sd, overall([unequal, unequal], True).number.sd) == (None, None), (
        "three trainings and one are no pairs"
    )


def test_frames_of_a_sequence_count_once():
    """Ten sequences of four frames that agree: wider by about 2, and ten differences in the rank test."""
    gap = np.repeat(RNG.normal(0.02, 0.05, 10), 4)
    groups = [f"video {n // 4}" for n in range(40)]
    frames = paired(scored(HARD + gap), scored(HARD), PLACE)
    videos = paired(scored(HARD + gap, groups=groups), scored(HARD, groups=groups), PLACE)
    widths = [high - low for low, high, _ in (frames.interval(), videos.interval())]
    assert 1.5 < widths[1] / widths[0] < 2.5
    assert videos.clusters == pytest.approx(gap[::4])
    assert videos.counts == Counts(images=40, clusters=10)
    assert videos.p_value() > frames.p_value()


def test_few_groups_have_a_percentile_interval_and_one_has_none():
    groups = [f"video {n % (LEAST_CLUSTERS - 1)}" for n in range(40)]
    few = paired(scored(HARD + 0.1, groups=groups), scored(HARD**2, groups=groups), PLACE)
    assert few.interval()[2] == "percentile"
    single = paired(scored(HARD + 0.1, groups=["v"] * 40), scored(HARD, groups=["v"] * 40), PLACE)
    assert single.number.value == pytest.approx(0.1)
    assert (single.interval(), single.p_value(), single.counts.clusters) == (None, None, 1)


def test_other_images_are_not_compared():
    names = [f"j{n}" for n in range(40)]
    assert paired(scored(HARD), scored(HARD, names=names), PLACE) is None
    assert paired(scored(HARD), scored(HARD[:30]), PLACE) is None
    assert paired(scored(HARD), scored(HARD), ("hd95", "")) is None, "neither has that score"


def test_pixels_summed_over_a_set_have_an_interval_and_no_rank_test():
    one, other = table(HARD), table(HARD)
    for at, row in enumerate(one):
        row["tp"] += at % 7
    pair = paired(over_seeds([one], 0), over_seeds([other], 0), ("dice@0.5-pooled", ""))
    low, high, _ = pair.interval()
    assert 0 < low < pair.number.value < high
    assert pair.p_value() is None


def test_images_without_a_lesion_play_no_part_in_recall():
    gap = np.where(np.arange(40) < 5, np.nan, 0.1)
    pair = paired(scored(HARD + gap), scored(HARD + gap * 0), ("recall@0.5", ""))
    assert pair.number.value == pytest.approx(0.1)
    assert (pair.counts.images, len(pair.clusters)) == (35, 35)


def test_over_several_sets_each_is_resampled_by_itself():
    """Their variances add by the squared shares; 30 images of one and 10 of another weigh 3 to 1, or alike."""
    big, small = RNG.normal(0.04, 0.02, 30), RNG.normal(-0.02, 0.02, 10)
    parts = [paired(scored(HARD[: len(gap)] + gap), scored(HARD[: len(gap)]), PLACE) for gap in (big, small)]
    for weighted, shares in ((True, (0.75, 0.25)), (False, (0.5, 0.5))):
        whole = overall(parts, weighted)
        assert whole.number.value == pytest.approx(shares[0] * big.mean() + shares[1] * small.mean())
        error = np.sqrt(shares[0] ** 2 * big.var() / 30 + shares[1] ** 2 * small.var() / 10)
        low, high, method = whole.interval()
        assert high - low == pytest.approx(2 * 1.96 * error, rel=0.1)
        assert (method, whole.counts) == ("BCa", Counts(images=40, clusters=40))
    assert sorted(overall(parts, True).clusters) == pytest.approx(sorted([*big, *small]))
    assert overall(parts, False).p_value() is None


def test_a_set_of_one_group_leaves_no_interval_over_all():
    lone = [paired(scored(HARD + 0.1, groups=["v"] * 40), scored(HARD, groups=["v"] * 40), PLACE)]
    whole = overall([*lone, paired(scored(HARD**2), scored(HARD), PLACE)], True)
    assert whole.interval() is None
    assert whole.number.value == pytest.approx((0.1 + (HARD**2 - HARD).mean()) / 2)
