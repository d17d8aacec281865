"""What every metric promises, on toy sets whose ranking is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.contracts import Context, ImageSet
from bench.images import load_rgb, save_png
from tests.conftest import make_pairs
from tests.contract.conftest import build, names

METRICS = names("metric")
LABEL = "Toy"
COUNT = 24


def described(samples):
    """A set with toy features: a 2 x 2 thumbnail of each image, 12 numbers."""
    rows = [load_rgb(pair.image).reshape(2, 12, 2, 12, 3).mean((1, 3)).ravel() / 64 for pair in samples]
    return ImageSet(samples, np.stack(rows).astype(np.float32))


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """`real`; `fresh` scenes of the same kind; `wrong`: colours turned over; `collapsed`: one image throughout."""
    folder = tmp_path_factory.mktemp("sets")
    real = make_pairs(folder / "real", COUNT)
    wrong = tuple(replace(pair, image=folder / "wrong" / pair.image.name) for pair in real)
    for pair, source in zip(wrong, real, strict=True):
        save_png(pair.image, 255 - load_rgb(source.image))
    chosen = {
        "real": real,
        "fresh": make_pairs(folder / "fresh", COUNT, seed=1),
        "wrong": wrong,
        "collapsed": tuple(replace(pair, image=real[0].image) for pair in real),
    }
    return {name: described(samples) for name, samples in chosen.items()}


def scores(metric, real, fake, tmp_path):
    return metric.score(real, fake, LABEL if metric.uses_features else "", Context(0, tmp_path))


def badness(metric, real, fake, tmp_path):
    """By column, a number that is lower for the better set."""
    sign = {"lower": 1, "higher": -1}[metric.better]
    return {column: sign * score.value for column, score in scores(metric, real, fake, tmp_path).items()}


@pytest.mark.parametrize("name", METRICS)
def test_columns_are_the_keys_of_the_scores(name, sets, tmp_path):
    """`columns` announces every score and no other, and numbers are finite."""
    metric = build("metric", name)
    found = scores(metric, sets["real"], sets["fresh"], tmp_path)
    assert tuple(found) == tuple(metric.columns(LABEL if metric.uses_features else ""))
    assert found
    assert all(math.isfinite(score.value) for score in found.values())


@pytest.mark.parametrize("name", METRICS)
def test_a_set_against_itself_is_at_the_optimum(name, sets, tmp_path):
    """No set scores better than the real one itself, in the direction that `better` states.

    An unbiased estimate may pass its ideal value (KID falls below 0), so no number is asked for, only the order.
    """
    metric = build("metric", name)
    itself = badness(metric, sets["real"], sets["real"], tmp_path)
    for other in ("fresh", "wrong", "collapsed"):
        worse = badness(metric, sets["real"], sets[other], tmp_path)
        assert all(itself[column] < worse[column] for column in itself), other


@pytest.mark.parametrize("name", METRICS)
def test_mode_collapse_and_wrong_colours_score_worse_than_a_fresh_set(name, sets, tmp_path):
    """The direction is right: new scenes of the same kind beat one image repeated, and inverted colours."""
    metric = build("metric", name)
    fresh, wrong, collapsed = (
        badness(metric, sets["real"], sets[kind], tmp_path) for kind in ("fresh", "wrong", "collapsed")
    )
    for column in fresh:
        assert fresh[column] < collapsed[column]
        assert fresh[column] < wrong[column]


@pytest.mark.parametrize("name", METRICS)
def test_the_order_of_images_plays_no_part(name, sets, tmp_path):
    """Either set shuffled: the same value to rounding, measured against the distance of a wrong set."""
    metric = build("metric", name)
    plain = badness(metric, sets["real"], sets["fresh"], tmp_path)
    scale = badness(metric, sets["real"], sets["wrong"], tmp_path)
    shuffled = badness(metric, reordered(sets["real"], 0), reordered(sets["fresh"], 1), tmp_path)
    for column, value in plain.items():
        assert shuffled[column] == pytest.approx(value, rel=1e-5, abs=1e-5 * abs(scale[column]))


def reordered(images, seed):
    order = np.random.default_rng(seed).permutation(len(images.samples))
    return ImageSet(tuple(images.samples[row] for row in order), images.features[order])


@pytest.mark.parametrize("name", METRICS)
def test_scores_say_how_many_images_they_saw(name, sets, tmp_path):
    """`n_real` and `n_fake` are the sizes of the two sets, not mixed up."""
    metric = build("metric", name)
    fewer = ImageSet(sets["fresh"].samples[:20], sets["fresh"].features[:20])
    for score in scores(metric, sets["real"], fewer, tmp_path).values():
        assert (score.n_real, score.n_fake) == (COUNT, 20)


@pytest.mark.parametrize("name", METRICS)
def test_an_interval_holds_its_value(name, sets, tmp_path):
    """low <= value <= high, or neither bound."""
    metric = build("metric", name)
    for kind in ("real", "fresh", "wrong", "collapsed"):
        for score in scores(metric, sets["real"], sets[kind], tmp_path).values():
            assert (score.low is None) == (score.high is None)
            assert score.low is None or score.low <= score.value <= score.high


@pytest.mark.parametrize("name", METRICS)
def test_scores_are_deterministic(name, sets, tmp_path):
    """The same sets give the same numbers, bounds and notes."""
    metric = build("metric", name)
    first, again = (scores(metric, sets["real"], sets["fresh"], tmp_path) for _ in range(2))
    assert first == again
