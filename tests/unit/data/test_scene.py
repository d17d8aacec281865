"""Phantom scenes: the bytes of the dataset, and lesions of a given mask."""

import hashlib

import numpy as np
import pytest

from bench.data.scene import Domain, dome_of, draw_scene
from bench.datasets.phantom import TESTS

DRAWN = {
    "same": "ad6c2e941002c7fc", "light": "6c5715815695bdde", "palette": "1c60adf82849630e",
    "camera": "c5c137ecc72ef702", "small": "0379e0edf3c00ada",
}  # fmt: skip
"""Of scenes as version 2 of dataset phantom draws them: when they change, its version must rise."""


def disc(size, y, x, radius):
    rows, columns = np.mgrid[:size, :size]
    return (np.hypot(rows - y, columns - x) < radius).astype(np.uint8)


@pytest.mark.parametrize("name", DRAWN)
def test_the_dataset_s_scenes_are_what_they_were(name):
    found = hashlib.sha256()
    for size in (32, 48):
        for number in range(3):
            for part in draw_scene(np.random.default_rng([7, number]), size, TESTS[name]):
                found.update(part.tobytes())
    assert found.hexdigest()[:16] == DRAWN[name]


def test_a_given_mask_is_the_scene_s_mask():
    """Also one of two parts, none at all, and one that fills the image."""
    two = disc(48, 12, 12, 6) | disc(48, 34, 30, 9)
    for mask in (two, np.zeros_like(two), np.ones_like(two)):
        image, drawn = draw_scene(np.random.default_rng(0), 48, Domain(), mask)
        assert np.array_equal(drawn, mask)
        assert (image.shape, image.dtype) == ((48, 48, 3), np.uint8)


def test_the_lesion_is_where_the_mask_is():
    """The same wall with and without a lesion differs in the mask, and outside it hardly."""
    mask = disc(64, 30, 34, 12)
    bare, shown = (draw_scene(np.random.default_rng(3), 64, Domain(), one)[0].astype(int) for one in (0 * mask, mask))
    change = np.abs(bare - shown).mean(2)
    assert change[mask == 1].mean() > 10 * change[mask == 0].mean()


def test_the_dome_of_a_disc_is_round_and_each_part_has_one():
    """As the dataset's own: the height of a unit sphere over the disc, within what half a pixel moves."""
    mask = disc(96, 48, 48, 30)
    y, x = np.mgrid[:96, :96]
    sphere = np.sqrt(np.clip(1 - (np.hypot(y - 48, x - 48) / 30) ** 2, 0, 1))
    assert np.abs(dome_of(mask) - sphere).max() < 0.25
    assert np.abs(dome_of(mask) - sphere)[disc(96, 48, 48, 27) == 1].max() < 0.06
    both = dome_of(disc(96, 20, 20, 6) | disc(96, 60, 60, 20))
    assert both[20, 20] == both[60, 60] == 1
    assert dome_of(0 * mask).max() == 0
