"""What may be asked of a worth, and the shares that its curve is drawn through."""

import pytest

from bench.plugins.profile import FRACTIONS, load_profile
from bench.workflows.curve import curve_of
from bench.workflows.request import WorthRequest
from tests.conftest import make_pairs, refused
from tests.unit.plan.test_run_plan import spec


def asked(**options):
    return WorthRequest.of(**{"generators": ["g"], "dataset": "d", "fraction": 25, **options})


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"fraction": None}, ["--fraction", "below 100"]),
        ({"fraction": 100}, ["--fraction", "below 100"]),
        ({"fraction": 30}, ["30", "25, 50"]),
        ({"curve": [20]}, ["20", "25, 50"]),
        ({"curve": [25]}, ["--curve 25", "name another"]),
        ({"train_on": ["real"]}, ["--train-on real", "added or only"]),
        ({"metrics": ["fid"]}, ["metrics", "leave it out"]),
    ],
)
def test_what_makes_no_curve_is_refused_in_one_line(options, parts):
    refused(lambda: asked(**options).over(load_profile("demo").run), *parts)


def test_the_rows_own_share_is_always_on_the_curve():
    assert asked().shares == FRACTIONS
    assert asked(curve=[100, 5]).shares == (5, 25, 100)


def test_it_scores_no_set_and_adds_no_control():
    options = asked().over(load_profile("demo").run)
    assert (options.metrics, options.controls, options.train_on, options.fraction) == ((), (), ("added", "only"), 25)


def whole(tmp_path, count):
    data = spec().data
    return data.with_splits({**data.splits, "train": make_pairs(tmp_path, count, size=8)})


def test_shares_are_nested_in_whole_groups(tmp_path):
    curve, notes = curve_of(FRACTIONS, whole(tmp_path, 40), seed=1)
    assert [len(one.pairs) for one in curve][-4:] == [10, 20, 30, 40]
    for less, more in zip(curve, curve[1:], strict=False):
        assert set(less.pairs) < set(more.pairs)
        assert not {sample.group for sample in less.pairs} & {
            sample.group for sample in set(more.pairs) - set(less.pairs)
        }
    assert [note.text.split()[2] for note in notes] == ["5"], "two pairs are too few to train on"


def test_a_share_that_is_another_one_is_left_out_with_a_note(tmp_path):
    """Few groups make few shares; no two points of the curve are one training."""
    curve, notes = curve_of(FRACTIONS, whole(tmp_path, 16), seed=1)
    assert len({one.fingerprint for one in curve}) == len(curve)
    assert len(curve) + len(notes) == len(FRACTIONS)


def test_fewer_than_two_points_are_refused(tmp_path):
    refused(lambda: curve_of((5, 10, 100), whole(tmp_path, 12), seed=1), "1 point(s)", "2 are needed")
