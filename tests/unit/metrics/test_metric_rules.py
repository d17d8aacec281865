"""What FID, KID and CMMD say beside their number, and what they refuse. No network, no weights."""

import re

import numpy as np
import pytest

pytest.importorskip("torch_fidelity")

from bench.contracts import Context, ImageSet, Sample, Space
from bench.errors import BenchError
from metrics import cmmd, fid, kid

CTX = Context(seed=0, workdir="")
METRICS = [
    pytest.param(fid.Fid(fid.Params()), id="fid"),
    pytest.param(kid.Kid(kid.Params()), id="kid"),
    pytest.param(cmmd.Cmmd(cmmd.Params()), id="cmmd"),
]


def images(count, dim=8, seed=0, shift=0.0):
    samples = tuple(Sample(id=f"id{i:03d}", image="", mask="") for i in range(count))
    features = np.random.default_rng(seed).normal(size=(count, dim)) + shift
    return ImageSet(samples, features.astype(np.float32))


@pytest.mark.parametrize(
    ("metric", "label", "names"),
    [
        (fid.Fid(fid.Params()), "Inception", ("FID", "FID-infinity")),
        (fid.Fid(fid.Params()), "Lite0", ("FD-Lite0", "FD-Lite0-infinity")),
        (kid.Kid(kid.Params()), "Inception", ("KID",)),
        (kid.Kid(kid.Params()), "X", ("KD-X",)),
        (cmmd.Cmmd(cmmd.Params()), "CLIP-L14-336", ("CMMD", "CMMD unbiased")),
        (cmmd.Cmmd(cmmd.Params()), "Inception", ("MMD-Inception", "MMD-Inception unbiased")),
    ],
)
def test_only_the_published_backbone_bears_the_published_name(metric, label, names):
    """Another backbone's number is FD, KD or MMD with its label, in `measures` and in `score`; one is the headline."""
    measures = metric.measures(label)
    assert tuple(measure.name for measure in measures) == names
    assert [measure.headline for measure in measures] == [True] + [False] * (len(names) - 1)
    assert tuple(metric.score(images(50), images(50, seed=1), Space(label), CTX)) == names


def test_infinity_needs_fifty_images_of_each_set():
    """With fewer it is not there; FID is."""
    metric = fid.Fid(fid.Params())
    for n_real, n_fake in ((49, 60), (60, 49)):
        assert tuple(metric.score(images(n_real), images(n_fake, seed=1), Space("Inception"), CTX)) == ("FID",)


def test_infinity_says_when_bias_stays():
    """Fewer images than directions: the real halves' own value is named and lies within the interval's reach."""
    found = fid.Fid(fid.Params()).score(images(60, 200), images(60, 200, seed=1), Space("Inception"), CTX)
    score = found["FID-infinity"]
    assert "30 images each" in score.note
    assert score.floor.value > 0
    assert score.low < score.value - score.floor.value < score.value < score.high
    found = fid.Fid(fid.Params()).score(images(900, 4), images(900, 4, 1, 2.0), Space("Inception"), CTX)
    assert found["FID-infinity"].note == ""


def test_fid_names_a_value_that_singular_values_contradict(monkeypatch):
    """The exact distance stands in the note as soon as the two differ by more than a thousandth."""
    metric = fid.Fid(fid.Params())
    exact = metric.score(images(40), images(40, seed=1), Space("Inception"), CTX)["FID"].value
    for factor, named in ((1.0005, False), (1.002, True), (0.998, True)):
        monkeypatch.setattr(fid, "estimate", lambda *_, factor=factor: exact * factor)
        note = metric.score(images(40), images(40, seed=1), Space("Inception"), CTX)["FID"].note
        assert (f" {exact:.4g}"[:-1] in note) == named


def test_one_group_alone_has_no_interval():
    """Without one group nothing is left: value and floor stand, without bounds."""
    one = ImageSet(tuple(Sample(id=f"id{i}", image="", mask="", group="g") for i in range(60)), images(60).features)
    for metric in (fid.Fid(fid.Params()), kid.Kid(kid.Params()), cmmd.Cmmd(cmmd.Params())):
        for score in metric.score(one, images(60, seed=1), Space("Inception"), CTX).values():
            assert (score.low, score.high, score.left_out, score.floor) == (None, None, (), None)


def test_cmmd_names_its_bias_where_it_counts():
    """All of the value, part of it, or too little to say. The unbiased twin has none to name."""
    metric = cmmd.Cmmd(cmmd.Params())
    same, near, far = (metric.score(images(30), images(30, 8, 1, s), Space("X"), CTX) for s in (0.0, 0.5, 5.0))
    assert "bias" in metric.score(images(30), images(30), Space("X"), CTX)["MMD-X"].note
    assert re.search(r"\d.* bias", near["MMD-X"].note)
    assert far["MMD-X"].note == ""
    assert {found["MMD-X unbiased"].note for found in (same, near, far)} == {""}


def test_cmmd_refuses_features_without_direction():
    blank = images(10)
    blank.features[3] = 0
    with pytest.raises(BenchError, match="number 4 are all 0.*another extractor"):
        cmmd.Cmmd(cmmd.Params()).score(blank, images(10), Space("Lite0"), CTX)


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
        (broken, "real image id004"),
        (images(10, dim=9), "9 numbers, synthetic 8"),
        (ImageSet(good.samples), "no features of the real set"),
    ]
    for real, message in cases:
        with pytest.raises(BenchError, match=message) as caught:
            metric.score(real, good, Space("Lite0"), CTX)
        assert re.search("(FD|KD|MMD)-Lite0", str(caught.value))  # (caught.value)
        assert "\n" not in str(caught.value)
