"""The cheap baseline: another image's lesion, blended in."""

import numpy as np
import pytest
from PIL import Image

from bench.images import load_mask, load_rgb
from generators.lesion_paste import LesionPaste, Params
from tests.conftest import make_pairs


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Eight pairs of two sizes."""
    folder = tmp_path_factory.mktemp("pairs")
    return make_pairs(folder, 5, 64, prefix="a") + make_pairs(folder, 3, 96, seed=1, prefix="b")


def flips(mask, size):
    one = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
    return [one, one[::-1], one[:, ::-1], one[::-1, ::-1]]


def test_the_mask_is_that_of_both_lesions_and_another_s_is_pasted(made, train):
    """The own lesion's, and one of another image's in one of four flips, brought to this size."""
    found = made(LesionPaste(Params()), train)
    for pair in train:
        mask, own = found[pair.id][1], load_mask(pair.mask)
        others = [one for other in train if other is not pair for one in flips(load_mask(other.mask), own.shape[::-1])]
        assert any(np.array_equal(mask, own | one) for one in others)


def test_the_image_changes_where_the_lesion_is_pasted_and_nowhere_far_from_it(made, train):
    """What is new in the mask is brighter than it was: discs are. Most of the image stays as it was."""
    found = made(LesionPaste(Params()), train)
    for pair in train:
        image, mask = found[pair.id]
        before, new = load_rgb(pair.image), (mask == 1) & (load_mask(pair.mask) == 0)
        assert np.mean(image != before) < 0.6
        if new.sum() > 100:
            assert image[new].mean() > before[new].mean() + 20


def test_it_competes():
    assert not LesionPaste.control
