"""Random masks: training masks moved within the documented ranges, by (seed, id) alone."""

from dataclasses import replace

import numpy as np
import pytest

from bench.data.random_masks import KEPT, random_mask, write_random_masks
from bench.data.repeats import repeat
from bench.errors import BenchError
from bench.images import load_mask, load_rgb, save_png
from bench.plugins.profile import load_profile
from bench.plugins.sections import RandomMasks
from bench.store.pair_index import index_masks, index_own_pairs, pair_with_masks, read_index
from tests.conftest import make_pairs

SIDE = 120
DRAWS = 300
OURS = RandomMasks()


def centre(picture, label):
    """(x, y) of one label's middle, measured from the picture's."""
    rows, columns = np.nonzero(picture == label)
    return np.array([columns.mean() - (SIDE - 1) / 2, rows.mean() - (SIDE - 1) / 2])


@pytest.fixture(scope="module")
def moves():
    return drawn(OURS)


def drawn(ranges):
    """Scale, angle in degrees, mirrored or not, and shift in shares of the side, of many draws.

    Read off three labelled squares: in the middle, right of it and below it. The function moves labels as it does 1.
    """
    labelled = np.zeros((SIDE, SIDE), np.uint8)
    for label, (x, y) in enumerate(((60, 60), (80, 60), (60, 80)), 1):
        labelled[y - 4 : y + 4, x - 4 : x + 4] = label
    found = []
    for seed in range(DRAWS):
        moved = random_mask(labelled, np.random.default_rng(seed), ranges)
        middle, right, down = (centre(moved, label) for label in (1, 2, 3))
        matrix = np.column_stack([right - middle, down - middle]) / 20
        determinant = np.linalg.det(matrix)
        angle = np.rad2deg(np.arctan2(matrix[1, 0], matrix[0, 0]))
        found.append((np.sqrt(abs(determinant)), angle, determinant < 0, *middle / SIDE))
    return np.array(found).T


def test_documented_ranges():
    """The numbers that the documentation states: ours, and the authors' statement that they do not turn."""
    assert (RandomMasks(scale_low=0.7, scale_high=1.3, shift=0.15, rotation=180.0, flip=0.5), KEPT) == (OURS, 0.5)
    assert load_profile("demo").sections["masks"] == OURS
    assert load_profile("paper").sections["masks"] == RandomMasks(rotation=0.0)


def test_what_is_set_is_what_is_drawn():
    """Within 2 degrees and 2 % of the side, which is what pixels allow."""
    scale, angle, mirrored, *shifts = drawn(
        RandomMasks(scale_low=0.9, scale_high=1.1, shift=0.05, rotation=0.0, flip=0.5)
    )
    assert (scale.min() > 0.88) & (scale.max() < 1.12)
    assert np.abs((angle + 90) % 180 - 90).max() < 2, "flips alone: 0 or 180 degrees"
    assert 0.4 < mirrored.mean() < 0.6
    assert np.abs(shifts).max() == pytest.approx(0.05, abs=0.02)
    _, angle, mirrored, *_ = drawn(RandomMasks(rotation=30.0, flip=0.0))
    assert not mirrored.any()
    assert np.abs(angle).max() == pytest.approx(30, abs=2)


def test_a_mask_that_may_not_move_stays():
    mask = np.zeros((20, 30), np.uint8)
    mask[:4, :4] = 1
    still = RandomMasks(scale_low=1.0, scale_high=1.0, shift=0.0, rotation=0.0, flip=0.0)
    assert (random_mask(mask, np.random.default_rng(0), still) == mask).all()
    lost = RandomMasks(scale_low=4.0, scale_high=4.0, shift=0.0, rotation=0.0, flip=0.0)
    assert (random_mask(mask, np.random.default_rng(0), lost) == mask).all(), "every draw pushes it out of the image"


def test_a_range_must_be_one():
    with pytest.raises(BenchError, match=r"masks.scale_low=1.2: is above scale_high=1.1"):
        RandomMasks(scale_low=1.2, scale_high=1.1).check()


def test_scales_fill_their_range_and_stay_in_it(moves):
    """0.7 to 1.3, up to the rounding of pixels."""
    assert moves[0].min() == pytest.approx(0.7, abs=0.04)
    assert moves[0].max() == pytest.approx(1.3, abs=0.04)
    assert moves[0].mean() == pytest.approx(1.0, abs=0.05)


def test_rotations_go_all_round(moves):
    """Every one of twelve sectors of the circle is met."""
    assert len(set((moves[1] % 360 // 30).astype(int))) == 12


def test_half_of_the_masks_are_mirrored(moves):
    """One flip of two mirrors, two flips turn: half of the draws."""
    assert 0.4 < moves[2].mean() < 0.6


def test_shifts_fill_their_range_and_stay_in_it(moves):
    """Up to 15 % of the side along each axis, about the image's own middle without bias."""
    shifts = moves[3:]
    assert np.abs(shifts).max() == pytest.approx(0.15, abs=0.01)
    assert np.abs(shifts.mean(1)).max() < 0.02


def test_a_mirrored_or_turned_image_stays_on_its_own_pixels():
    """Only the shift moves the middle: without it, an odd and centred square keeps its centre to 0.2 px."""
    still = replace(OURS, shift=0.0)
    square = np.zeros((41, 41), np.uint8)
    square[16:25, 16:25] = 1
    drawn = [np.nonzero(random_mask(square, np.random.default_rng(seed), still)) for seed in range(400)]
    assert np.mean([rows.mean() for rows, _ in drawn]) == pytest.approx(20, abs=0.2)
    assert np.mean([columns.mean() for _, columns in drawn]) == pytest.approx(20, abs=0.2)


@pytest.mark.parametrize("where", [(0, 0), (59, 0), (30, 79)], ids=["corner", "edge", "side"])
def test_a_mask_is_never_empty(where):
    """One pixel at the border, which most moves push out: something stays, at the same size and binary."""
    mask = np.zeros((60, 80), np.uint8)
    mask[where] = 1
    for seed in range(100):
        moved = random_mask(mask, np.random.default_rng(seed), OURS)
        assert moved.shape == mask.shape
        assert moved.dtype == np.uint8
        assert set(np.unique(moved)) == {0, 1}


def test_at_least_half_of_a_lesion_stays_inside():
    """A large lesion in a corner keeps half of its scaled area, so of 0.49 of its own area at the least."""
    mask = np.zeros((60, 60), np.uint8)
    mask[:30, :30] = 1
    areas = [random_mask(mask, np.random.default_rng(seed), OURS).sum() for seed in range(200)]
    assert min(areas) >= 0.5 * 0.7**2 * mask.sum()


def test_an_empty_mask_stays_empty():
    """Allowed by a dataset's option; nothing is invented and nothing hangs."""
    assert not random_mask(np.zeros((8, 8), np.uint8), np.random.default_rng(0), OURS).any()


def test_written_masks_are_binary_and_keep_id_prompt_group_and_size(tmp_path):
    """Files hold 0 and 255; the sample points at the new mask and is otherwise the training pair."""
    train = make_pairs(tmp_path / "pairs", 3)
    conditions = write_random_masks(train, tmp_path / "out", 0, OURS)
    for pair, condition in zip(train, conditions, strict=True):
        assert condition.mask == tmp_path / "out" / f"{pair.id}.png"
        assert (condition.id, condition.prompt, condition.group, condition.image) == (
            pair.id, pair.prompt, pair.group, pair.image,
        )  # fmt: skip
        assert load_mask(condition.mask).shape == load_mask(pair.mask).shape
        assert load_mask(condition.mask).any()


def test_seed_and_id_alone_decide(tmp_path):
    """Another order or a smaller set changes no mask; another seed changes all."""
    train = make_pairs(tmp_path / "pairs", 6)

    def written(pairs, name, seed):
        return {c.id: c.mask.read_bytes() for c in write_random_masks(pairs, tmp_path / name, seed, OURS)}

    first = written(train, "first", 7)
    assert written(train[::-1], "turned", 7) == first
    assert written(train[2:4], "fewer", 7) == {pair.id: first[pair.id] for pair in train[2:4]}
    other = written(train, "other", 8)
    assert all(other[pair.id] != first[pair.id] for pair in train)


def test_equal_masks_of_two_ids_move_differently(tmp_path):
    """The id enters the draw: a data set of equal masks does not give equal conditions."""
    train = make_pairs(tmp_path / "pairs", 2)
    train[1].mask.write_bytes(train[0].mask.read_bytes())
    first, second = write_random_masks(train, tmp_path / "out", 0, OURS)
    assert first.mask.read_bytes() != second.mask.read_bytes()


def test_what_follows_a_moved_mask_is_paired_with_no_real_image(tmp_path, pairs):
    """Its condition is another than the real one's, through the index and for every copy; own masks are not moved."""
    train = pairs(3)
    conditions = write_random_masks(train, tmp_path / "masks", 0, OURS)
    index_masks(tmp_path, conditions)
    conditions = repeat(read_index(tmp_path, {sample.id: sample for sample in train}), 2)
    made = tmp_path / "made"
    for sample in conditions:
        save_png(made / "images" / f"{sample.id}.png", load_rgb(sample.image))
        save_png(made / "masks" / f"{sample.id}.png", load_mask(sample.mask) * 255)
    assert pair_with_masks(made, conditions) == []
    moved = read_index(made, {})
    assert not {sample.condition for sample in moved} & {sample.id for sample in train}
    assert len({sample.condition for sample in moved}) == 3
    index_own_pairs(made, conditions)
    assert {sample.condition for sample in read_index(made, {})} == {sample.id for sample in train}
