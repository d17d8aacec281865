"""A score read back is the score that was saved, with everything it says."""

from dataclasses import fields

import numpy as np
import pytest

from bench.contracts import Floor, LeftOut, Match, Measure, Score
from bench.store.score_file import Basis, Scored, load_scores, save_scores
from tests.conftest import refused

FULL = Score(
    value=0.1 + 0.2, n_real=9, n_fake=8, low=-1e-300, high=1.5, note="few · images", estimator="jackknife",
    floor=Floor(value=0.05, sd=0.01, n=4, splits=10, at_n=0.2),
    left_out=(LeftOut("real", np.array([1.0, 1 / 3]), np.array([2, 1])), LeftOut("fake", np.array([4.0]), np.ones(1))),
    per_image=np.array([0.25, 1 / 7]), ids=("a/1", "ü"), matches=(Match(3, 5, 7, 0.125), Match(0, 1, 0, 2.0)),
)  # fmt: skip
MEASURE = Measure("KD-X", "", True, ("wrong", "copies"))


def plain(score):
    """A score in what can be compared by ==."""
    values = {field.name: getattr(score, field.name) for field in fields(score)}
    values["left_out"] = [(part.side, part.values.tolist(), part.sizes.tolist()) for part in score.left_out]
    values["per_image"] = None if score.per_image is None else score.per_image.tolist()
    return values


def test_every_field_comes_back(tmp_path):
    """None of them stands at its default here, so that one which is forgotten is seen."""
    bare = Score(value=1.0, n_real=2, n_fake=3)
    for field in fields(Score):
        value = getattr(FULL, field.name)
        assert isinstance(value, np.ndarray) or value != getattr(bare, field.name), field.name
    save_scores(
        tmp_path, [Scored(MEASURE, FULL, "small lesions", ("video", ""))], {"backbone": "net", "reference": "train"}
    )
    about, (read,) = load_scores(tmp_path)
    assert about == Basis(backbone="net", reference="train")
    assert (read.measure, read.stratum, read.groups) == (MEASURE, "small lesions", ("video", ""))
    assert plain(read.score) == plain(FULL)


def test_each_score_keeps_its_own_arrays(tmp_path):
    """Bare scores between full ones, the same measure in two strata: nothing slips from one to another."""
    other = Score(value=2.0, n_real=9, n_fake=8, per_image=np.arange(3.0), ids=("x", "y", "z"))
    saved = [
        Scored(MEASURE, score, stratum)
        for score, stratum in ((FULL, ""), (Score(value=1.0, n_real=2, n_fake=3), ""), (other, "s"))
    ]
    save_scores(tmp_path, saved, {})
    _, read = load_scores(tmp_path)
    assert [plain(one.score) for one in read] == [plain(one.score) for one in saved]
    assert [one.stratum for one in read] == ["", "", "s"]


def test_scores_of_another_version_are_named(tmp_path):
    save_scores(tmp_path, [Scored(MEASURE, FULL)], {})
    path = tmp_path / "scores.json"
    path.write_text(path.read_text().replace('"schema": ', '"schema": 9'))
    refused(lambda: load_scores(tmp_path), tmp_path, "another version", "delete it and run again")


def test_a_number_of_another_kind_is_named(tmp_path):
    """As a count that is no whole number, which a metric of one's own may have written."""
    save_scores(tmp_path, [Scored(MEASURE, Score(value=1.0, n_real=2.5, n_fake=3))], {})
    refused(lambda: load_scores(tmp_path), tmp_path, "n_real", "delete it and run again")


def test_no_scores_are_none(tmp_path):
    save_scores(tmp_path, [], {"resize": "none"})
    assert load_scores(tmp_path) == (Basis(resize="none"), [])


@pytest.mark.parametrize("value", [np.float32(0.1), np.float64(0.1)])
def test_numbers_of_numpy_are_numbers(tmp_path, value):
    """A metric's mean is often numpy's float."""
    save_scores(tmp_path, [Scored(MEASURE, Score(value=value, n_real=2, n_fake=3, low=value, high=value))], {})
    assert load_scores(tmp_path)[1][0].score.value == float(value)


def test_a_number_that_is_none_is_refused(tmp_path):
    """JSON has no NaN, and a leaderboard has no use for one."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_scores(tmp_path, [Scored(MEASURE, Score(value=float("nan"), n_real=2, n_fake=3))], {})
