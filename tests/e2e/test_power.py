"""Repeats and test images planned from a finished run, and from numbers."""

import csv
import io
import json

import pytest

import bench as api
from bench.stats.power import ASSUMED_REPEATS, Spread, least_difference
from tests.e2e.conftest import TOY_RUN

SMALL = ["--set", "phantom.size=32", "--set", "phantom.train=6", "--set", "phantom.test=4"]
BRIGHT = ["--set", "toy-mirror.brightness=60"]
"""A set that moves the toy network's threshold: its row differs from the control's."""


@pytest.fixture(scope="module")
def finished(bench, tmp_path_factory):
    results = tmp_path_factory.mktemp("power")
    done = bench("run", *TOY_RUN, "--dataset", "polyps", *SMALL, *BRIGHT, "--repeats", "2", "--results", results)
    assert done.code == 0, done.err
    return results, done


def verdicts_of(done):
    with (done.tables / "verdicts.csv").open(newline="", encoding="utf-8") as stream:
        return [one for one in csv.DictReader(stream) if one["comparisons"]]


def test_a_plan_rests_on_the_runs_own_comparisons(bench, finished):
    results, run = finished
    done = bench("power", "--results", results, "--margin", "0.02", "--format", "json")
    assert done.code == 0, done.err
    plan, compared = json.loads(done.out), verdicts_of(run)
    assert [one["row"] for one in plan["comparisons"]] == [one["row"] for one in compared]
    assert plan["about"]["repeats"] == 2
    assert plan["about"]["images"] == int(compared[0]["n_images"])
    assert plan["about"]["groups"] == int(compared[0]["n_clusters"])
    assert len(plan["smallest"]) == 24
    at_hand = next(one for one in plan["smallest"] if (one["repeats"], one["images"]) == (2, plan["about"]["images"]))
    spread = Spread(**plan["about"]["spread"])
    expected = least_difference(spread, 2, plan["about"]["groups"], level=plan["about"]["level"])
    assert at_hand["least_difference"] == pytest.approx(expected)


def test_its_table_and_its_sentence_are_for_a_terminal(bench, finished):
    results, _ = finished
    shown = bench("power", "--results", results, "--margin", "0.02")
    assert "to see 0.02" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 120


def test_a_number_that_is_given_wins_over_the_runs(bench, finished):
    results, run = finished
    done = bench("power", "--results", results, "--run", run.tables.name, "--sd-images", "0.5", "--format", "json")
    assert json.loads(done.out)["about"]["spread"]["image"] == 0.5


def test_repeats_in_which_nothing_changed_tell_nothing_of_their_noise(bench, tmp_path):
    """Pasting trains nothing: two repeats of its training are one, and no noise of 0 is planned with."""
    words = ("--generator", "lesion-paste", *TOY_RUN[2:], "--dataset", "polyps", *SMALL, "--results", tmp_path)
    done = bench("run", *words, "--repeats", "2", "--vary", "generator")
    assert "1 repeat, so verdicts concern" in done.out
    plan = bench("power", "--results", tmp_path, "--format", "json")
    assert json.loads(plan.out)["about"]["spread"]["repeat"] == ASSUMED_REPEATS
    assert "nothing was trained or sampled twice" in plan.out


def test_what_a_run_held_fixed_is_said(bench, tmp_path):
    words = ("--dataset", "polyps", *SMALL, *BRIGHT, "--results", tmp_path)
    bench("run", *TOY_RUN, *words, "--repeats", "2", "--vary", "segmenter")
    assert "done once in the run, so in no standard deviation: generator training, sampling" in bench(
        "power", "--results", tmp_path
    ).out.replace("\n  ", " ")


def test_a_run_leaves_its_components(finished):
    _, run = finished
    with (run.tables / "components.csv").open(newline="", encoding="utf-8") as stream:
        found = list(csv.DictReader(stream))
    assert {one["row"] for one in found} >= {one["row"] for one in verdicts_of(run)}
    assert "test images" in {one["component"] for one in found}
    # Two generators are too few to order.
    assert not (run.tables / "predictors.csv").exists()


@pytest.mark.parametrize("form", ["csv", "latex", "markdown"])
def test_numbers_alone_give_the_same_plan_in_every_format(bench, tmp_path, form):
    words = ["power", "--margin", "0.02", "--images", "798", "--sd-repeats", "0.01", "--sd-images", "0.15"]
    done = bench(*words, "--format", form, "--out", tmp_path / "plan")
    assert done.code == 0, done.err
    text = (tmp_path / "plan").read_text(encoding="utf-8")
    if form == "csv":
        first = next(csv.DictReader(io.StringIO(text)))
        # The published example: 798 images whose differences have a standard deviation of 0.15.
        assert float(first["least_difference"]) == pytest.approx(0.0149, abs=1e-4)
    assert "0.0" in text


def test_python_plans_too(finished):
    plan = api.power(0.02, images=798, sd_repeats=0.01, sd_images=0.15)
    assert plan.design.repeats_needed == 7
    assert plan.design.least(7) <= 0.02 < plan.design.least(6)
    assert len(api.power(results=finished[0]).compared) >= 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--margin", "0", "--images", "9"], "margin"),
        (["--margin", "-0.1", "--images", "9"], "margin"),
        (["--sd-repeats", "-1", "--images", "9"], "sd_repeats"),
        (["--sd-images", "nan", "--images", "9"], "sd_images"),
        (["--images", "1"], "images"),
        (["--repeats", "0", "--images", "9"], "repeats"),
        (["--sd-images", "0.1"], "--images"),
    ],
)
def test_a_number_that_cannot_be_is_refused_by_name(bench, words, named):
    done = bench("power", *words)
    assert done.code == 2
    assert named in done.error


def test_a_folder_without_a_run_and_a_run_that_is_not_there_are_refused(bench, finished, tmp_path):
    empty = bench("power", "--results", tmp_path)
    assert (empty.code, str(tmp_path) in empty.error) == (2, True)
    other = bench("power", "--results", finished[0], "--run", "other")
    assert (other.code, "--run other" in other.error) == (2, True)


def test_a_run_without_a_comparison_is_refused(bench, tmp_path):
    words = ["run", *TOY_RUN, "--dataset", "polyps", *SMALL, "--train-on", "real", "--results", tmp_path]
    assert bench(*words).code == 0
    done = bench("power", "--results", tmp_path)
    assert (done.code, "no two rows whose difference" in done.error) == (2, True)


def test_a_dry_run_says_what_its_design_can_show(bench, tmp_path):
    words = ["run", *TOY_RUN, "--dataset", "polyps", *SMALL, "--dry-run", "--results", tmp_path]
    three, one = (" ".join(bench(*words, "--repeats", repeats).out.split()) for repeats in ("3", "1"))
    assert "smallest difference" in three
    assert "0.01 over repeats" in three
    assert "0.01 over repeats" not in one
