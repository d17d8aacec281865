"""Two rows on the same test images: what both find hard cancels, groups count once, undefined images do not count."""

import numpy as np
import pytest

from bench.analysis.estimate import Counts, mean_over_sets
from bench.analysis.paired import paired
from bench.analysis.test_scores import over_repeats
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
    return over_repeats([table(values, groups, names) for values in trainings], seed=0)


def bounds(number):
    return number.estimate.bounds


def test_what_makes_an_image_hard_for_both_cancels():
    gap = RNG.normal(0.05, 0.01, 40)
    number = paired(scored(HARD + gap), scored(HARD), PLACE)
    low, high = bounds(number)
    assert number.value == pytest.approx(gap.mean())
    assert number.counts == Counts(images=40, clusters=40)
    assert high - low == pytest.approx(2 * 2.02 * gap.std(ddof=1) / np.sqrt(40), rel=0.1)
    assert low < number.value < high


def test_equal_rows_differ_by_nothing():
    """Over several repeats, too, where rounding could leave a trace."""
    one = scored(HARD, HARD * 0.9, HARD**2)
    same = paired(one, one, PLACE)
    assert (same.value, bounds(same), same.confidence.p_value()) == (0, (0, 0), 1)


def test_repeats_are_paired_and_widen_the_interval():
    """Repeat by repeat the rows differ by 0.1, 0.2 and 0.3: their spread is the difference's, not the scores'."""
    one = scored(HARD + 0.1, HARD + 0.7, HARD + 1.3)
    other = scored(HARD, HARD + 0.5, HARD + 1.0)
    number = paired(one, other, PLACE)
    assert number.value == pytest.approx(0.2)
    assert number.sd == pytest.approx(0.1)
    assert bounds(number) == pytest.approx((0.2 - 0.248, 0.2 + 0.248), abs=0.001), "4.303 times 0.1 / sqrt(3)"
    alone = paired(scored(HARD + 0.1), scored(HARD), PLACE)
    assert alone.sd is None
    unequal = paired(one, scored(HARD), PLACE)
    assert (unequal.sd, mean_over_sets([unequal, unequal], True).sd) == (None, None), "three repeats, and one"


def test_frames_of_a_sequence_count_once():
    """Ten sequences of four frames that agree: wider by about 2, and Student's for ten."""
    gap = np.repeat(RNG.normal(0.02, 0.05, 10), 4)
    groups = [f"video {n // 4}" for n in range(40)]
    frames = paired(scored(HARD + gap), scored(HARD), PLACE)
    videos = paired(scored(HARD + gap, groups=groups), scored(HARD, groups=groups), PLACE)
    widths = [high - low for low, high in (bounds(frames), bounds(videos))]
    assert 1.7 < widths[1] / widths[0] < 2.9
    assert videos.counts == Counts(images=40, clusters=10)
    assert videos.confidence.p_value() > frames.confidence.p_value()


def test_one_group_has_no_interval():
    single = paired(scored(HARD + 0.1, groups=["v"] * 40), scored(HARD, groups=["v"] * 40), PLACE)
    assert single.value == pytest.approx(0.1)
    assert (bounds(single), single.counts.clusters) == (None, 1)


def test_other_images_are_not_compared():
    names = [f"j{n}" for n in range(40)]
    assert paired(scored(HARD), scored(HARD, names=names), PLACE) is None
    assert paired(scored(HARD), scored(HARD[:30]), PLACE) is None
    assert paired(scored(HARD), scored(HARD), ("hd95", "")) is None, "neither has that score"


def test_pixels_summed_over_a_set_have_an_interval():
    one, other = table(HARD), table(HARD)
    for at, row in enumerate(one):
        row["tp"] += at % 7
    number = paired(over_repeats([one], 0), over_repeats([other], 0), ("dice@0.5-pooled", ""))
    low, high = bounds(number)
    assert 0 < low < number.value < high


def test_images_without_a_lesion_play_no_part_in_recall():
    gap = np.where(np.arange(40) < 5, np.nan, 0.1)
    number = paired(scored(HARD + gap), scored(HARD + gap * 0), ("recall@0.5", ""))
    assert number.value == pytest.approx(0.1)
    assert number.counts.images == 35


def test_over_several_sets_each_is_resampled_by_itself():
    """Their variances add by the squared shares; 30 images of one and 10 of another weigh 3 to 1, or alike."""
    big, small = RNG.normal(0.04, 0.02, 30), RNG.normal(-0.02, 0.02, 10)
    parts = [paired(scored(HARD[: len(gap)] + gap), scored(HARD[: len(gap)]), PLACE) for gap in (big, small)]
    for weighted, shares in ((True, (0.75, 0.25)), (False, (0.5, 0.5))):
        whole = mean_over_sets(parts, weighted)
        assert whole.value == pytest.approx(shares[0] * big.mean() + shares[1] * small.mean())
        students = [(2.045, big), (2.262, small)]
        halves = [
            share * t * gap.std(ddof=1) / np.sqrt(len(gap)) for share, (t, gap) in zip(shares, students, strict=True)
        ]
        low, high = bounds(whole)
        assert high - low == pytest.approx(2 * np.hypot(*halves), rel=0.1)
        assert whole.counts == Counts(images=40, clusters=40)


def test_a_set_of_one_group_leaves_no_interval_over_all():
    lone = [paired(scored(HARD + 0.1, groups=["v"] * 40), scored(HARD, groups=["v"] * 40), PLACE)]
    whole = mean_over_sets([*lone, paired(scored(HARD**2), scored(HARD), PLACE)], True)
    assert bounds(whole) is None
    assert whole.value == pytest.approx((0.1 + (HARD**2 - HARD).mean()) / 2)
