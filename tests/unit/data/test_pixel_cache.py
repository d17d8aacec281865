"""Decoded images are shared: each file is read once while there is room, and never mixed up."""

import numpy as np
import pytest

from bench.data.pixel_cache import Picture, PixelCache
from bench.errors import BenchError
from bench.images import VIEWS, load_rgb, rotate, save_png


@pytest.fixture
def paths(pairs):
    return [pair.image for pair in pairs(5)]


@pytest.mark.parametrize("batch", [1, 2, 5, 9])
def test_a_walk_leaves_nothing_out(paths, batch):
    """Every picture once, in order, in batches; no more than one batch is decoded ahead."""
    pixels, pictures = PixelCache(), [Picture(path) for path in paths]
    seen = []
    for chunk, found in pixels.walk(pictures, batch):
        assert len(chunk) == len(found) <= batch
        assert all(np.array_equal(one, load_rgb(picture.path)) for one, picture in zip(found, chunk, strict=True))
        seen += chunk
        assert pixels.decoded <= len(seen) + batch
    assert seen == pictures
    assert list(pixels.walk([], batch)) == []


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_each_image_is_decoded_once_and_comes_back_in_order(paths, workers):
    """The same pixels as read alone, however many read and however often one is asked for."""
    pixels, pictures = PixelCache(), [Picture(path) for path in (*paths, *paths[::-1])]
    for _ in range(2):
        for picture, found in zip(pictures, pixels.load(pictures, workers), strict=True):
            assert np.array_equal(found, load_rgb(picture.path))
    assert pixels.decoded == len(paths)


def test_views_share_what_was_decoded_and_sizes_do_not(paths):
    """Eight views of an image are one decoding, another size is another."""
    pixels = PixelCache()
    views = pixels.load([Picture(paths[0], (16, 12), view) for view in range(len(VIEWS))])
    assert pixels.decoded == 1
    for view, found in enumerate(views):
        assert np.array_equal(found, rotate(load_rgb(paths[0], (16, 12)), view))
    assert pixels.load([Picture(paths[0])])[0].shape == (24, 24, 3)
    assert pixels.decoded == 2


def test_the_limit_holds_and_what_is_kept_stays(paths):
    """Room for two of five images: two are read once, three at every call, and all come back right."""
    one = load_rgb(paths[0]).nbytes
    pixels, pictures = PixelCache(limit=2 * one + 1), [Picture(path) for path in paths]
    for _ in range(3):
        for path, found in zip(paths, pixels.load(pictures, 2), strict=True):
            assert np.array_equal(found, load_rgb(path))
    assert pixels.held == 2 * one
    assert pixels.decoded == 2 + 3 * 3


def test_an_image_that_is_held_cannot_be_changed(paths):
    """An extractor that wrote to its input would change what the next one sees."""
    (found,) = PixelCache().load([Picture(paths[0], view=5)])
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 0


def test_an_unreadable_image_is_named(paths, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(paths[0].read_bytes()[:100])
    with pytest.raises(BenchError, match=r"broken\.png: not a readable image"):
        PixelCache().load([Picture(path) for path in (*paths, broken)], 2)


def test_a_file_that_was_written_anew_is_decoded_anew(paths):
    """In one Python session a user mends an image under its name."""
    pixels, first = PixelCache(), Picture(paths[0])
    before = pixels.load([first])[0]
    save_png(paths[0], 255 - before)
    assert np.array_equal(pixels.load([first])[0], 255 - before)
