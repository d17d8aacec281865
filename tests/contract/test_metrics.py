"""What every metric promises, on toy sets whose ranking is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.contracts import Context, ImageSet, Space
from bench.images import load_rgb, rotate, save_png
from tests.conftest import make_pairs
from tests.contract.conftest import build, names

METRICS = names("metric")
LABEL = "Toy"
COUNT = 24


def thumbnail(pixels):
    """Toy features: 2 x 2 pixels, 12 numbers of either sign, as embeddings are: between positive ones no angle is
    large, and cosines would see nothing."""
    return (pixels.reshape(2, 12, 2, 12, 3).mean((1, 3)).ravel() / 64 - 2).astype(np.float32)


def described(samples):
    """A set with everything a metric may ask for; its maps are its masks."""
    features = np.stack([thumbnail(load_rgb(pair.image)) for pair in samples])
    return ImageSet(samples, features, tuple(pair.mask for pair in samples))


def toy_distances(pairs):
    """Distance of two images' thumbnails."""
    looked = [[thumbnail(load_rgb(sample.image)) for sample in pair] for pair in pairs]
    return np.array([np.abs(one - other).mean() for one, other in looked], dtype=np.float32)


def toy_turned(images):
    """Thumbnails of images in other views."""
    return np.stack([thumbnail(rotate(load_rgb(sample.image), view)) for sample, view in images])


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """`real`; `fresh` scenes of the same kind; `wrong`: colours turned over; `collapsed`: one image throughout.

    Masks of `wrong` and `collapsed` are the real ones, their maps those of their images. `following`: new scenes that
    follow the real masks, to which fresh ones are strangers.
    """
    folder = tmp_path_factory.mktemp("sets")
    real = make_pairs(folder / "real", COUNT)
    wrong = tuple(replace(pair, image=folder / "wrong" / pair.image.name) for pair in real)
    for pair, source in zip(wrong, real, strict=True):
        save_png(pair.image, 255 - load_rgb(source.image))
    return {
        "real": described(real),
        "fresh": described(make_pairs(folder / "fresh", COUNT, seed=1)),
        "wrong": replace(described(wrong), maps=tuple(pair.mask for pair in real[1:] + real[:1])),
        "collapse": replace(
            described(tuple(replace(pair, image=real[0].image) for pair in real)), maps=(real[0].mask,) * COUNT
        ),
        "copies": described(real),
        "following": described(following(real, folder / "following")),
    }


def following(real, folder):
    """New noise with the disc of each real mask."""
    rng, samples = np.random.default_rng(2), []
    for pair in real:
        disc = load_rgb(pair.mask) > 127
        samples.append(replace(pair, image=folder / pair.image.name))
        save_png(samples[-1].image, (rng.normal(90, 12, disc.shape) + 70 * disc).clip(0, 255).astype(np.uint8))
    return tuple(samples)


def scores(metric, real, fake, tmp_path):
    space = Space(LABEL, toy_distances, lambda sample: load_rgb(sample.image), toy_turned)
    return metric.score(real, fake, space, Context(seed=0, workdir=tmp_path))


def badness(metric, real, fake, tmp_path):
    """By column of a measure that ranks, a number that is lower for the better set."""
    sign = {measure.name: {"lower": 1, "higher": -1}.get(measure.better, 0) for measure in metric.measures(LABEL)}
    found = scores(metric, real, fake, tmp_path)
    return {name: sign[name] * score.value for name, score in found.items() if sign[name]}


@pytest.mark.parametrize("name", METRICS)
def test_scores_are_among_the_measures_in_their_order(name, sets, tmp_path):
    """`measures` announces every score, names are unique, numbers are finite and say how they were estimated."""
    metric = build("metric", name)
    announced = [measure.name for measure in metric.measures(LABEL)]
    found = scores(metric, sets["real"], sets["fresh"], tmp_path)
    assert len(set(announced)) == len(announced)
    assert list(found) == [name for name in announced if name in found]
    assert found
    assert all(math.isfinite(score.value) and score.estimator for score in found.values())


@pytest.mark.parametrize("name", METRICS)
def test_what_a_measure_sees_makes_it_worse(name, sets, tmp_path):
    """The direction is right: new scenes of the same kind beat each of the sets that a measure says it sees, and lose
    against scenes that follow their masks where it sees strangers."""
    metric = build("metric", name)
    fresh = badness(metric, sets["real"], sets["fresh"], tmp_path)
    for measure in metric.measures(LABEL):
        assert bool(measure.better) == bool(measure.sees), "what ranks says what it sees, and the other way round"
        for kind in measure.sees if measure.name in fresh else ():
            if kind == "strangers":
                better, worse = badness(metric, sets["real"], sets["following"], tmp_path), fresh
            else:
                better, worse = fresh, badness(metric, sets["real"], sets[kind], tmp_path)
            assert better[measure.name] < worse[measure.name], kind


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_images_plays_no_part(name, sets, tmp_path):
    """Either set shuffled: the same value to rounding, measured against the distance of a wrong set.

    Reference values that draw pairs or halves at random draw others.
    """
    metric = build("metric", name)
    plain = badness(metric, sets["real"], sets["fresh"], tmp_path)
    wrong = badness(metric, sets["real"], sets["wrong"], tmp_path)
    shuffled = badness(metric, reordered(sets["real"], 0), reordered(sets["fresh"], 1), tmp_path)
    for column, value in plain.items():
        assert shuffled[column] == pytest.approx(value, rel=1e-5, abs=1e-5 * abs(wrong[column]))


def reordered(images, seed):
    return images.rows(np.random.default_rng(seed).permutation(len(images.samples)))


@pytest.mark.parametrize("name", METRICS)
def test_scores_say_how_many_images_they_saw(name, sets, tmp_path):
    """`n_real` and `n_fake` are the sizes of the two sets, not mixed up."""
    metric = build("metric", name)
    fewer = sets["fresh"].rows(np.arange(20))
    for score in scores(metric, sets["real"], fewer, tmp_path).values():
        assert (score.n_real, score.n_fake) == (COUNT, 20)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_of_images_has_a_value_of_each_image(name, sets, tmp_path):
    """In its first score, whatever the real set is: `--keep` chooses by it."""
    metric = build("metric", name)
    for real in ("real", "wrong") if metric.of_images else ():
        first, *_ = scores(metric, sets[real], sets["fresh"], tmp_path).values()
        assert set(first.ids) == {pair.id for pair in sets["fresh"].samples}
        assert len(first.per_image) == len(first.ids) == COUNT


@pytest.mark.parametrize("name", METRICS)
def test_an_interval_holds_its_value(name, sets, tmp_path):
    """low <= value <= high, or neither bound."""
    metric = build("metric", name)
    for kind in ("real", "fresh", "wrong", "collapse"):
        for score in scores(metric, sets["real"], sets[kind], tmp_path).values():
            assert (score.low is None) == (score.high is None)
            assert score.low is None or score.low <= score.value <= score.high


@pytest.mark.parametrize("name", METRICS)
def test_scores_are_deterministic(name, sets, tmp_path):
    """The same sets give the same numbers, bounds, floors and notes."""
    metric = build("metric", name)
    first, again = (scores(metric, sets["real"], sets["fresh"], tmp_path) for _ in range(2))
    assert list(map(comparable, first.values())) == list(map(comparable, again.values()))


def comparable(score):
    arrays = [part for side in score.left_out for part in (side.values, side.sizes)]
    arrays += [score.per_image] if score.per_image is not None else []
    return replace(score, left_out=(), per_image=None), [array.tobytes() for array in arrays]
