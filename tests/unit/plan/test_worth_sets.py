"""A learning curve and sets on it: all trained equally often, and no other run's stages are named anew."""

from dataclasses import replace

import pytest

from bench.contracts import Sample
from bench.identity import key
from bench.plan.run_plan import plan
from bench.plan.stage import Ref
from bench.plan.worth_sets import Share
from tests.unit.plan.test_run_plan import spec, with_control, with_pairs

KEYS = "0d22bc9e05e9a190cafe2d4b02ad4a8435fa33a0a7daee16d0543fc36a98515c"
"""Of all stages of a run, as they were before there were curves: the work of earlier runs is found."""


def share(percent, count):
    return Share(percent, tuple(Sample(id=f"{n}", image=None, mask=None) for n in range(count)), f"f{count}")


CURVE = (share(10, 2), share(25, 5), share(100, 20))


def on_curve(**changes):
    """Five real pairs are 25 percent, and generators make as many."""
    return with_pairs(5, **{"train_on": ("added", "only"), "curve": CURVE, "metrics": (), "fraction": 25, **changes})


def trainings(run):
    return {stage.label: stage for stage in plan(run).stages if stage.action == "train"}


def test_runs_without_a_curve_keep_the_keys_of_their_stages():
    rows = ("real", "equal-updates", "added", "only")
    run = spec(train_on=rows, repeats=2, multiple=2, masks="random", fraction=25, select="test")
    assert key({"keys": [stage.key for stage in plan(run).stages]}) == KEYS


def test_every_training_has_as_many_pairs():
    run = plan(on_curve())
    assert {row.pairs for row in run.rows} == {20}
    assert [row.trained_on.partition(",")[0] for row in run.rows] == [
        "real 10 %", "real 25 %", "real 100 %", "real+g1", "real+g2", "g1 only", "g2 only",
    ]  # fmt: skip
    counts = {"f2": 2, "f5": 5, "f20": 20}
    for stage in trainings(on_curve()).values():
        assert stage.images(lambda ref: counts.get(ref.key, 5)) == 20


def test_a_set_larger_than_all_real_pairs_is_what_all_are_repeated_to():
    run = on_curve(multiple=4, curve=(share(10, 2), share(25, 5)))
    assert {row.pairs for row in plan(run).rows} == {25}


def test_what_has_the_number_already_is_the_training_of_other_runs():
    whole = trainings(on_curve())["train s on real 100 %, equal updates"]
    assert whole.repeated_to is None
    other = with_pairs(20)
    other = replace(other, data=replace(other.data, fingerprints={**other.data.fingerprints, "train": "f20"}))
    assert trainings(other)["train s on real"].key == whole.key


def test_sets_on_the_curve_say_how_many_pairs_they_are_of():
    found = [(one.generator, one.kind, one.real, one.synthetic) for one in plan(on_curve(multiple=2)).sets]
    assert found == [("g1", "added", 5, 10), ("g2", "added", 5, 10), ("g1", "only", 0, 10), ("g2", "only", 0, 10)]


def test_copies_of_the_real_pairs_are_the_point_of_the_curve():
    """The very training, under both names."""
    run = replace(with_control(5), train_on=("added",), curve=CURVE, metrics=(), fraction=25)
    run = replace(run, data=replace(run.data, fingerprints={**run.data.fingerprints, "train": "f5"}))
    rows = {row.trained_on: row for row in plan(run).rows}
    assert rows["real+g1, equal updates"].models == rows["real 25 %, equal updates"].models
    assert rows["real+g1, equal updates"].models != rows["real+g2, equal updates"].models


@pytest.mark.parametrize("vary", [("generator", "sample", "segmenter"), ("segmenter",)])
def test_repeats_are_paired(vary):
    """Each repeat's networks, of the curve and of the rows, have one seed."""
    run = on_curve(repeats=3, vary=vary)
    by_ref = {stage.ref: stage for stage in plan(run).stages}
    seeds = {tuple(by_ref[Ref("train", key)].seed for key in row.models) for row in plan(run).rows}
    assert len(seeds) == 1
    assert len(set(seeds.pop())) == 3
