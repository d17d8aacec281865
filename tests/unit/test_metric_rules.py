"""What FID and KID say beside their number, and what they refuse. No network, no weights."""

import re

import numpy as np
import pytest

pytest.importorskip("torch_fidelity")

from bench.contracts import Context, ImageSet, Sample, Space
from bench.errors import BenchError
from metrics import fid, kid

CTX = Context(0, "")
METRICS = [pytest.param(fid.Fid(fid.Params()), id="fid"), pytest.param(kid.Kid(kid.Params()), id="kid")]


def images(count, dim=8, seed=0):
    samples = tuple(Sample(f"id{i}", "", "") for i in range(count))
    return ImageSet(samples, np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32))


@pytest.mark.parametrize(
    ("metric", "label", "name"),
    [
        (fid.Fid, "Inception", "FID"),
        (fid.Fid, "Lite0", "FD-Lite0"),
        (kid.Kid, "Inception", "KID"),
        (kid.Kid, "X", "KD-X"),
    ],
)
def test_only_inception_bears_the_published_name(metric, label, name):
    """Another backbone's number is FD or KD with its label, in `measures` and in `score`."""
    plugin = metric(metric.Params())
    assert [measure.name for measure in plugin.measures(label)] == [name]
    assert tuple(plugin.score(images(20), images(20, seed=1), Space(label), CTX)) == (name,)


def test_fid_warns_below_the_feature_dimension():
    """Fewer images than dimensions in either set: the note says so, with both numbers; otherwise silence."""
    metric = fid.Fid(fid.Params())
    for n_real, n_fake in ((5, 30), (30, 5)):
        (score,) = metric.score(images(n_real), images(n_fake, seed=1), Space("Inception"), CTX).values()
        assert re.search(r"5 images .* 8 feature dimensions", score.note)
        assert (score.n_real, score.n_fake, score.low, score.high) == (n_real, n_fake, None, None)
    (score,) = metric.score(images(30), images(30, seed=1), Space("Inception"), CTX).values()
    assert score.note == ""


@pytest.mark.parametrize(
    ("n_real", "n_fake", "size", "subsets"),
    [(1450, 1450, 1000, 100), (1000, 1000, 1000, 1), (900, 900, 900, 1), (1450, 300, 300, 100), (3, 3, 3, 1)],
)
def test_kid_of_small_sets_follows_the_stated_rule(n_real, n_fake, size, subsets):
    """Subset size is the smallest of 1000, n_real and n_fake; when it takes both sets whole there is one subset."""
    how = kid.draw(n_real, n_fake, 1000, 100)
    assert (how.size, how.subsets) == (size, subsets)
    assert str(size) in how.note
    assert ("full U-statistic" in how.note) == (subsets == 1)


def test_kid_reports_rule_and_interval():
    """The value lies in the middle of its interval, and the note names the estimate."""
    (score,) = kid.Kid(kid.Params()).score(images(20), images(20, seed=1), Space("Inception"), CTX).values()
    assert score.low < score.value < score.high
    assert score.value - score.low == pytest.approx(score.high - score.value)
    assert score.estimator.startswith("full U-statistic of all 20")


@pytest.mark.parametrize("metric", METRICS)
def test_features_that_cannot_be_compared_are_refused(metric):
    """One line that names the column and the side: too few, not finite (with the image's id), another space, none."""
    good = images(10)
    broken = images(10)
    broken.features[4, 2] = np.nan
    cases = [
        (images(1), "1 real image"),
        (broken, "real image id4"),
        (images(10, dim=9), "9 numbers, synthetic 8"),
        (ImageSet(good.samples), "no features of the real set"),
    ]
    for real, message in cases:
        with pytest.raises(BenchError, match=message) as caught:
            metric.score(real, good, Space("Lite0"), CTX)
        assert "D-Lite0" in str(caught.value)
        assert "\n" not in str(caught.value)
