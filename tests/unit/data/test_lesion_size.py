"""Thirds by lesion size: bounds of the real set, equal thirds of it, and nothing where a third is too small."""

from pathlib import Path

import numpy as np
import pytest

import bench.data.lesion_size
from bench.contracts import NO_MASK, Sample
from bench.data.lesion_size import LEAST, NAMES, LesionShares, terciles, thirds
from bench.images import load_mask, save_png

WELL = [1, 40, 90] * LEAST
"""Sizes of as few lesions as can make three thirds."""


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    """101 masks of 10 x 10, the first without lesion, the last with 100 pixels of it."""
    folder = tmp_path_factory.mktemp("masks")
    for size in range(101):
        save_png(folder / f"{size}.png", ((np.arange(100) < size) * 255).astype(np.uint8).reshape(10, 10))
    return lambda sizes: tuple(
        Sample(id=f"i{n}", image=Path(), mask=folder / f"{size}.png") for n, size in enumerate(sizes)
    )


def test_a_share_is_lesion_pixels_by_all_pixels(masks):
    assert LesionShares().of(masks([1, 100, 37])).tolist() == [0.01, 1.0, 0.37]


def test_every_real_image_falls_into_one_of_three_equal_thirds(masks):
    found = thirds(masks(WELL), masks(WELL), LesionShares())
    assert tuple(found) == NAMES
    for third, (ours, theirs) in enumerate(found.values()):
        assert ours.tolist() == theirs.tolist() == list(range(third, 3 * LEAST, 3))


def test_synthetic_images_are_sorted_by_the_bounds_of_the_real_set(masks):
    """Lesions smaller or larger than any real one go to the outer thirds; a lesion at a bound to the lower one."""
    real = masks([11 + n % 60 for n in range(4 * LEAST)])
    bounds = np.quantile(LesionShares().of(real), [1 / 3, 2 / 3])
    fake = masks([1 + n % 99 for n in range(6 * LEAST)])
    small, medium, large = (LesionShares().of(fake)[rows] for _, rows in thirds(real, fake, LesionShares()).values())
    assert small.min() == 0.01
    assert large.max() == 0.99
    assert small.max() <= bounds[0] < medium.min()
    assert medium.max() <= bounds[1] < large.min()
    assert len(small) + len(medium) + len(large) == len(fake)


def test_images_without_lesion_are_in_no_third_and_move_no_bound(masks):
    whole = thirds(masks(WELL), masks(WELL), LesionShares())
    found = thirds(masks([*WELL, *[0] * LEAST]), masks([*WELL, *[0] * LEAST]), LesionShares())
    assert {name: [side.tolist() for side in pair] for name, pair in found.items()} == {
        name: [side.tolist() for side in pair] for name, pair in whole.items()
    }


def test_where_every_image_has_a_lesion_a_third_is_one_of_all_images():
    shares = np.random.default_rng(0).uniform(0.01, 1, 100)
    bounds = terciles(shares)
    assert [bounds.low, bounds.high] == np.quantile(shares, [1 / 3, 2 / 3]).tolist()
    assert np.bincount(bounds.third(shares)).tolist() == [34, 33, 33]


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        pytest.param([0] * 9 * LEAST, WELL, id="no-real-lesion"),
        pytest.param(WELL[1:], WELL, id="real-set-too-small"),
        pytest.param(WELL, WELL[1:], id="synthetic-set-too-small"),
        pytest.param(WELL, [90] * 9 * LEAST, id="one-size-of-synthetic-lesions"),
        pytest.param([50] * 9 * LEAST, WELL, id="one-size-of-real-lesions"),
    ],
)
def test_a_third_of_fewer_than_a_hundred_is_no_third(masks, real, fake):
    assert thirds(masks(WELL), masks(WELL), LesionShares()) != {}
    assert thirds(masks(real), masks(fake), LesionShares()) == {}


def test_without_masks_there_are_no_thirds(masks):
    whole = masks(WELL)
    bare = (*whole, Sample(id="bare", image=Path(), mask=NO_MASK))
    assert thirds(whole, bare, LesionShares()) == {}
    assert thirds(bare, whole, LesionShares()) == {}


def test_a_mask_that_is_written_anew_is_another_mask(tmp_path):
    """In one session, under one name: 4 of 16 pixels, then all."""
    path, shares = tmp_path / "mask.png", LesionShares()
    for lesion, share in ((4, 0.25), (16, 1.0)):
        save_png(path, ((np.arange(16) < lesion) * 255).astype(np.uint8).reshape(4, 4))
        assert shares.of((Sample(id="one", image=Path(), mask=path),)).tolist() == [share]


def test_a_mask_is_decoded_once_however_many_ask(masks, monkeypatch):
    decoded, shares = [], LesionShares()
    monkeypatch.setattr(bench.data.lesion_size, "load_mask", lambda path: decoded.append(path) or load_mask(path))
    for _ in range(3):
        thirds(masks(WELL), masks(WELL), shares)
    assert len(decoded) == len(set(WELL))
