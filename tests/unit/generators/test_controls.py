"""What each control of known truth does to real pairs: one promise each that its row rests on."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_erosion

from bench.contracts import NoParams
from bench.data.repeats import repeat
from bench.images import load_mask, load_rgb
from generators import blurred, dilated, jpeg, mode, noised, warped
from generators.held_out import HeldOut
from generators.real_again import RealAgain
from generators.shuffled import Shuffled
from tests.conftest import make_pairs


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Twelve pairs of two sizes."""
    folder = tmp_path_factory.mktemp("pairs")
    return make_pairs(folder, 8, 64, prefix="a") + make_pairs(folder, 4, 96, seed=1, prefix="b")


def real(pair):
    return load_rgb(pair.image), load_mask(pair.mask)


def areas(found, train):
    """Area of each new mask, and that of the real one."""
    return np.array([(found[pair.id][1].sum(), load_mask(pair.mask).sum()) for pair in train], float).T


def overlap(found, train):
    """Mean Dice of new and real masks."""
    dice = []
    for pair in train:
        ours, theirs = found[pair.id][1], load_mask(pair.mask)
        dice.append(2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()))
    return np.mean(dice)


def change(found, train):
    """Mean absolute difference of the pixels of new and real images."""
    return np.mean([np.abs(found[pair.id][0].astype(float) - load_rgb(pair.image)).mean() for pair in train])


def test_real_again_is_the_real_pairs_pixel_by_pixel(made, train):
    found = made(RealAgain(NoParams()), train)
    for pair in train:
        for ours, theirs in zip(found[pair.id], real(pair), strict=True):
            assert np.array_equal(ours, theirs)


def test_held_out_hands_out_the_pairs_it_is_given_and_learns_from_none(made, train):
    generator = HeldOut(NoParams())
    assert generator.takes_unused()
    found = made(generator, train[:4], train[4:])
    assert sorted(found) == sorted(pair.id for pair in train[4:])
    for pair in train[4:]:
        assert np.array_equal(found[pair.id][0], load_rgb(pair.image))


@pytest.mark.parametrize("multiple", [1, 2])
def test_shuffled_no_image_keeps_its_mask(made, train, multiple):
    """Each image is the real one of its id; each mask belongs to another image, brought to this one's size. No two
    samples of one image get the same."""
    conditions = repeat(train, multiple)
    found = made(Shuffled(NoParams()), train, conditions)
    masks = {pair.id: load_mask(pair.mask) for pair in train}
    owners = []
    for condition in conditions:
        image, mask = found[condition.id]
        assert np.array_equal(image, load_rgb(condition.image))
        size = mask.shape[::-1]
        alike = [name for name, one in masks.items() if np.array_equal(resized(one, size), mask)]
        assert alike
        assert (condition.source or condition.id) not in alike
        owners.append((condition.source or condition.id, alike[0]))
    assert len(set(owners)) == len(owners)
    assert all(sum(owner == name for _, owner in owners) == multiple for name in masks)


def resized(mask, size):
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))


def test_shuffled_follows_the_seed(made, train):
    one, other = (made(Shuffled(NoParams()), train, seed=seed) for seed in (0, 1))
    assert any(not np.array_equal(one[pair.id][1], other[pair.id][1]) for pair in train)


@pytest.mark.parametrize("distance", [1, 2, 4])
def test_dilated_masks_grow_by_perimeter_times_distance(made, train, distance):
    """And half the distance squared on convex lesions (Steiner): 2 π r d + π d²."""
    found = made(dilated.Dilated(dilated.Params(distance=distance)), train)
    ours, theirs = areas(found, train)
    radius = np.sqrt(theirs / np.pi)
    assert ours - theirs == pytest.approx(2 * np.pi * radius * distance + np.pi * distance**2, rel=0.15)
    assert change(found, train) == 0


@pytest.mark.parametrize("distance", [-2, -200])
def test_eroded_masks_shrink_and_none_vanishes(made, train, distance):
    found = made(dilated.Dilated(dilated.Params(distance=distance)), train)
    for pair in train:
        ours, theirs = found[pair.id][1], load_mask(pair.mask)
        assert ours.any()
        assert not (ours & ~theirs & 1).any()
        assert ours.sum() < theirs.sum()
    if distance == -2:
        cross = [binary_erosion(load_mask(pair.mask), iterations=2).sum() for pair in train]
        assert areas(found, train)[0] == pytest.approx(np.array(cross), rel=0.1)


def test_each_part_of_a_mask_survives_erosion():
    mask = np.zeros((40, 40), np.uint8)
    mask[2:4, 2:4], mask[10:34, 10:34] = 1, 1
    ours = dilated.moved_border(mask, -5)
    assert ours[2:4, 2:4].any()
    assert ours[10:34, 10:34].sum() == 14 * 14


def test_px_count_at_a_shorter_side_where_one_is_given(made, train):
    """The larger images are half as large again: so is the distance."""
    found = made(dilated.Dilated(dilated.Params(distance=2, side=64)), train)
    for pair in train:
        distance = 2 * load_mask(pair.mask).shape[0] / 64
        assert np.array_equal(found[pair.id][1], dilated.moved_border(load_mask(pair.mask), distance))


def test_warped_borders_are_displaced_by_about_the_distance():
    """Its field has that root mean square length, changes slowly, and means nothing but displacement."""
    for shape in ((64, 64), (96, 160)):
        field = 3 * warped.smooth_field(np.random.default_rng(0), shape)
        assert np.sqrt((field**2).sum(0).mean()) == pytest.approx(3)
        steps = [np.abs(np.diff(field, axis=axis)).mean() for axis in (1, 2)]
        assert max(steps) < 0.3 * np.abs(field).mean() * 64 / min(shape)


def test_a_larger_dose_is_a_larger_error(made, train):
    """Of masks by their overlap with the real ones, of images by the difference of pixels; 0 is none."""
    doses = {
        overlap: [
            (warped.Warped, warped.Params, "distance", (0, 1, 2, 4), -1),
            (dilated.Dilated, dilated.Params, "distance", (0, 1, 3, 6), -1),
        ],
        change: [
            (blurred.Blurred, blurred.Params, "sigma", (0, 1, 2, 4), 1),
            (jpeg.Jpeg, jpeg.Params, "quality", (95, 60, 30, 5), 1),
            (noised.Noised, noised.Params, "sd", (0, 0.02, 0.05, 0.2), 1),
        ],
    }
    for measure, controls in doses.items():
        for cls, params, field, values, sign in controls:
            found = [measure(made(cls(params(**{field: value})), train, seed=at), train)
                     for at, value in enumerate(values)]  # fmt: skip
            assert all(sign * np.diff(found) > 0), (cls.__name__, found)
            if values[0] == 0:
                assert found[0] == (1 if measure is overlap else 0)


def test_noise_has_the_standard_deviation_it_says(made, train):
    found = made(noised.Noised(noised.Params(sd=0.04)), train)
    spread = [(found[pair.id][0].astype(float) - load_rgb(pair.image)).std() for pair in train]
    assert np.mean(spread) == pytest.approx(0.04 * 255, rel=0.03)


def test_mode_shows_so_many_pairs_and_no_others_as_evenly_as_it_can(made, train):
    found = made(mode.Mode(mode.Params(images=5)), train)
    known = {(image.tobytes(), mask.tobytes()) for image, mask in map(real, train)}
    shown = [(image.tobytes(), mask.tobytes()) for image, mask in found.values()]
    assert set(shown) <= known
    assert sorted(shown.count(one) for one in set(shown)) == [2, 2, 2, 3, 3]


def test_mode_of_more_pairs_than_there_are_shows_all(made, train):
    found = made(mode.Mode(mode.Params(images=13)), train)
    assert len({image.tobytes() for image, _ in found.values()}) == len(train)
