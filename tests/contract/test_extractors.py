"""What every feature extractor promises, on a handful of small pictures of unequal size."""

import functools

import numpy as np
import pytest
from PIL import Image

from bench.contracts import Context
from bench.data.pixel_cache import Picture
from bench.images import load_rgb, save_png
from tests.conftest import extraction_of, features_of
from tests.contract.conftest import REGISTRY, build, names


def giving(what):
    return [one for one in names("extractor") if what in REGISTRY.load("extractor", one.values[0]).gives]


EXTRACTORS = giving("features")
COMPARING = giving("distances")
SIZES = [(48, 32), (48, 32), (40, 56), (48, 32), (32, 32)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Five smooth colour pictures of three sizes, those of one size not side by side."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("photos")
    paths = [folder / f"{index}.png" for index in range(len(SIZES))]
    for path, size in zip(paths, SIZES, strict=True):
        small = Image.fromarray(rng.integers(0, 255, (5, 5, 3), dtype=np.uint8))
        save_png(path, np.asarray(small.resize(size, Image.Resampling.BICUBIC)))
    return paths


@pytest.fixture(scope="module")
def found(photos, tmp_path_factory):
    """`found(name)`: the extractor and its features of the pictures, computed once."""

    @functools.cache
    def make(name):
        extractor = build("extractor", name, batch=4)
        return extractor, features_of(extractor, photos, None, context(tmp_path_factory.mktemp(name)))

    return make


def context(folder, **changes):
    return Context(seed=0, workdir=folder, **changes)


def differ(ours, theirs):
    """Largest distance of two rows, relative to the row's length."""
    return (np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)).max()


@pytest.mark.parametrize("name", EXTRACTORS)
def test_features_are_float32_rows_of_the_stated_dimension(name, found, photos):
    """(n, dim) float32, finite, and no two pictures alike."""
    extractor, features = found(name)
    assert features.shape == (len(photos), extractor.dim)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert len({row.tobytes() for row in features}) == len(photos)
    assert extractor.label


@pytest.mark.parametrize("name", EXTRACTORS)
def test_row_i_belongs_to_image_i(name, found, photos, tmp_path):
    """Another order of the pictures is that order of the rows, read by one worker or by three."""
    extractor, features = found(name)
    order = [3, 0, 4, 2, 1]
    for workers in (0, 3):
        rows = features_of(extractor, [photos[index] for index in order], None, context(tmp_path, workers=workers))
        assert differ(rows, features[order]) <= 1e-5


@pytest.mark.parametrize("name", EXTRACTORS)
def test_features_do_not_depend_on_the_batch_size(name, found, photos, tmp_path):
    """Alone or beside others, a picture has the same features to 1e-5."""
    _, features = found(name)
    assert differ(features_of(build("extractor", name, batch=1), photos, None, context(tmp_path)), features) <= 1e-5


@pytest.mark.parametrize("name", EXTRACTORS)
def test_features_are_deterministic(name, found, photos, tmp_path):
    """The same call gives the same bytes, whatever the seed."""
    extractor, features = found(name)
    again = features_of(extractor, photos, None, Context(seed=1, workdir=tmp_path))
    assert again.tobytes() == features.tobytes()


@pytest.mark.parametrize("name", EXTRACTORS)
def test_grey_and_alpha_are_read_as_colour(name, found, photos, tmp_path):
    """Grey is repeated over the channels and opaque alpha dropped: the features of the equal RGB picture."""
    extractor, features = found(name)
    colour = Image.open(photos[0])
    grey = colour.convert("L")
    grey.save(tmp_path / "grey.png")
    Image.merge("RGB", [grey] * 3).save(tmp_path / "repeated.png")
    colour.putalpha(255)
    colour.save(tmp_path / "alpha.png")
    paths = [tmp_path / f"{kind}.png" for kind in ("grey", "repeated", "alpha")]
    as_grey, as_repeated, as_alpha = features_of(extractor, paths, None, context(tmp_path))[:, None]
    assert differ(as_grey, as_repeated) <= 1e-5
    assert differ(as_alpha, features[:1]) <= 1e-5
    assert differ(as_grey, features[:1]) > 1e-2


@pytest.mark.parametrize("name", EXTRACTORS)
def test_pictures_are_squashed_to_the_size_asked_for(name, found, photos, tmp_path):
    """With `size` the features are those of files of that size, made as `load_rgb` makes them."""
    extractor, features = found(name)
    paths = [tmp_path / path.name for path in photos]
    for path, photo in zip(paths, photos, strict=True):
        save_png(path, load_rgb(photo, (16, 24)))
    resized = features_of(extractor, photos, (16, 24), context(tmp_path))
    assert differ(resized, features_of(extractor, paths, None, context(tmp_path))) <= 1e-5
    assert differ(resized, features) > 1e-2


@pytest.fixture(scope="module")
def compared(photos, tmp_path_factory):
    """`compared(name)`: distances of all pairs of the pictures (5, 5), computed once."""
    return functools.cache(lambda name: measured(name, all_pairs(photos), tmp_path_factory.mktemp(name)).reshape(5, 5))


def measured(name, pairs, folder, batch=4, **changes):
    pictures = [(Picture(one), Picture(other)) for one, other in pairs]
    return extraction_of(build("extractor", name, batch=batch), context(folder, **changes)).distances(pictures)


def all_pairs(paths):
    return [(one, other) for one in paths for other in paths]


@pytest.mark.parametrize("name", COMPARING)
def test_distances_tell_pictures_apart(name, compared, photos):
    """float32, 0 for a picture and itself, positive for two, the same both ways."""
    found = compared(name)
    assert found.dtype == np.float32
    assert (np.diag(found) == 0).all()
    assert (found[~np.eye(len(photos), dtype=bool)] > 1e-3).all()
    np.testing.assert_allclose(found, found.T, rtol=1e-5)


@pytest.mark.parametrize("name", COMPARING)
def test_a_distance_depends_on_its_pair_alone(name, compared, photos, tmp_path):
    """Another order of the pairs, one picture at a time or many, one reader or three: the same to 1e-5."""
    pairs, order = all_pairs(photos), np.random.default_rng(0).permutation(len(photos) ** 2)
    for batch, workers in ((1, 0), (64, 3)):
        shuffled = measured(name, [pairs[row] for row in order], tmp_path, batch=batch, workers=workers)
        np.testing.assert_allclose(shuffled, compared(name).ravel()[order], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", COMPARING)
def test_distances_are_said_to_be_of_a_size(name):
    """The label of distances ends with the size they depend on."""
    look = build("extractor", name).look("distances")
    assert look.label.rpartition("@")[2].isdigit()
    assert look.label.rpartition("@")[2] in look.resize
