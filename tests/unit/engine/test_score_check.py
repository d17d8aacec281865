"""A score is checked in every field: what passes is stored and read back, what does not is named."""

from dataclasses import replace

import numpy as np
import pytest

from bench.contracts import Floor, LeftOut, Match, Measure, Score
from bench.engine.score_check import check_scores
from bench.store.score_file import Scored, load_scores, save_scores
from tests.conftest import refused

BARE = Score(value=0.5, n_real=4, n_fake=3)
FLOOR = Floor(value=0.1, sd=0.1, n=2, splits=10, at_n=0.2)
IDS = ("a", "b", "c")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"value": 1},
        *({"value": kind(1)} for kind in (np.float16, np.float32, np.float64, np.int64)),
        {"n_real": np.int64(4), "n_fake": np.int32(0)},
        {"low": 0.5, "high": 0.5},
        {"value": 0.7, "low": 0.1, "high": np.float64(0.6)},
        {"floor": replace(FLOOR, n=np.int64(2), sd=np.float32(0.1))},
        {"per_image": np.arange(3), "ids": IDS},
        {"ids": IDS},
        {"left_out": (LeftOut("real", np.ones(2), np.array([1, 2])),)},
        {"matches": (Match(np.int64(0), 1, 7, np.float32(0.1)),)},
    ],
)
def test_a_good_score_is_stored_and_read_back(tmp_path, given):
    score = replace(BARE, **given)
    check_scores("mine", ["M"], {"M": score})
    save_scores(tmp_path, [Scored(Measure("M"), score)], {})
    (read,) = load_scores(tmp_path)[1]
    assert read.score.value == score.value


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        *(("value", bad) for bad in (True, np.bool_(True), None, "0.5", np.ones(1), 1j)),
        *(("value", bad) for bad in (float("nan"), np.float32("inf"), np.float16("-inf"), 10**400)),
        *(("n_real", bad) for bad in (1.5, 4.0, True, None, "4", -1, np.int64(-1))),
        *(("n_fake", bad) for bad in (np.float64(3), -3)),
        *(("note", bad) for bad in (None, 3)),
        ("estimator", b"mean"),
        *(("floor", bad) for bad in (0.1, replace(FLOOR, value=True), replace(FLOOR, at_n=float("nan")))),
        *(("floor", replace(FLOOR, **{name: 2.5})) for name in ("n", "splits")),
        *(("ids", bad) for bad in (None, "abc", (1, 2, 3))),
        *(("per_image", bad) for bad in (np.ones(2), np.ones((3, 1)), [True] * 3, ["x"] * 3, [[1], [1, 2], []], 1.0)),
        *(("left_out", bad) for bad in (None, (1.0,), (LeftOut("left", np.ones(2), np.ones(2)),))),
        *(("left_out", (LeftOut("real", np.ones(2), bad),)) for bad in (np.ones(3), None)),
        *(("matches", bad) for bad in (None, (0.1,), (Match(0.5, 1, 0, 0.1),), (Match(0, 1, 0, None),))),
    ],
)
def test_a_wrong_field_is_named(field, bad):
    score = replace(BARE, ids=IDS, **{field: bad}) if field != "ids" else replace(BARE, ids=bad)
    refused(lambda: check_scores("mine", ["M"], {"M": score}), "metric mine: M: ", field.rstrip("es"), "mend")


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.6, 0.4), (0.4, None), (None, 0.6), (True, 0.6), (0.4, "0.6"), (float("-inf"), 0.6), (0.4, np.float32("nan"))],
)
def test_a_wrong_interval_is_named(low, high):
    score = replace(BARE, low=low, high=high)
    refused(lambda: check_scores("mine", ["M"], {"M": score}), "metric mine: M: ", "mend")


@pytest.mark.parametrize("found", [None, 0.5, [BARE], {"M": None}, {"M": 0.5}, {"M": {"value": 1}}, {"N": BARE}])
def test_what_is_no_dict_of_scores_is_named(found):
    refused(lambda: check_scores("mine", ["M"], found), "metric mine", "mend")
