"""Which rows are compared with which, over how many comparisons p is corrected, and what is set in bold."""

from dataclasses import replace

import numpy as np
import pytest

from bench.analysis.estimate import Estimate
from bench.analysis.score_rows import ScoredRow, ScoredRun
from bench.analysis.significance import Spot, row_differences, ties, unpaired
from bench.analysis.test_scores import over_seeds
from bench.report.significance_table import significance_table
from bench.report.table import show
from bench.segscores import COUNTS, PER_IMAGE
from bench.stats.rank_test import holm
from tests.score_examples import row_score, trained_row

RNG = np.random.default_rng(0)
HARD = {"test/a": RNG.normal(0.6, 0.1, 50), "test/b": RNG.normal(0.5, 0.1, 20)}
NOISE = {name: [RNG.normal(0, 0.01, 50), RNG.normal(0, 0.01, 20)] for name in ("real", "copies", "g", "h")}
COLUMNS = ("mdice@256", "iou@0.5")


def run(rows, controls=("copies",)):
    return ScoredRun(COLUMNS, controls, tuple(rows))


def training(row, **changes):
    """The row under other words."""
    return replace(row, about=replace(row.about, training=replace(row.training, **changes)))


def generator(row, name):
    return replace(row, about=replace(row.about, made=replace(row.about.made, generator=name)))


def scored(values):
    rows = [
        {"id": f"i{at}", "group": "", **dict.fromkeys(PER_IMAGE, value), **dict.fromkeys(COUNTS, 5)}
        for at, value in enumerate(values)
    ]
    return over_seeds([rows], seed=0)


def row(name, gain, tests=("test/a", "test/b"), segmenter="s", **changes):
    """A row whose every image scores `gain` more than it is hard, about; `name` is its noise's and generator's."""
    trained_on, made = ("real", "none") if name == "real" else (f"real+{name}", name)
    about = trained_row(trained_on, made, segmenter=segmenter, key=f"{name} {segmenter}", **changes)
    found = {
        test: scored(HARD[test] + gain + noise) for test, noise in zip(HARD, NOISE[name], strict=True) if test in tests
    }
    return ScoredRow(about, found, tuple(test for test in HARD if test not in tests))


def rows(**changes):
    return [row("real", 0, **changes), row("copies", 0.02, **changes), row("g", 0.05, **changes)]


def scores_of(trained):
    """The numbers of the leaderboard for these rows."""
    return [
        row_score(one.about, part.value(("mdice@256", "")), test_set=test.removeprefix("test/"))
        for one in trained
        for test, part in one.tests.items()
    ]


def name(difference):
    return difference.training.trained_on


def test_every_row_is_compared_with_the_control_on_every_set():
    found = row_differences([run(rows())])
    assert list(dict.fromkeys((name(one), one.baseline) for one in found)) == [
        ("real", "real+copies"),
        ("real+g", "real+copies"),
    ]
    of_g = {one.test_set: one for one in found if (name(one), one.metric) == ("real+g", "mdice@256")}
    assert list(of_g) == ["a", "b", "overall", "overall-unweighted"]
    assert [one.counts.images for one in of_g.values()] == [50, 20, 70, 70]
    expected = (50 * of_g["a"].estimate.value + 20 * of_g["b"].estimate.value) / 70
    assert of_g["overall"].estimate.value == pytest.approx(expected) == pytest.approx(0.03, abs=0.005)
    assert 0 < of_g["overall"].estimate.low < of_g["overall"].estimate.value < of_g["overall"].estimate.high
    assert {one.metric for one in found} == set(COLUMNS)


def test_without_a_control_rows_are_compared_with_the_real_images_alone():
    """A line beside it that has no synthetic set either is compared, too."""
    equal = generator(training(row("h", 0), trained_on="real, again"), "none")
    found = row_differences([run([equal, *rows()], controls=())])
    assert {one.baseline for one in found} == {"real"}
    assert {name(one) for one in found} == {"real, again", "real+copies", "real+g"}
    assert row_differences([run([row("g", 0.1)])]) == []


def test_p_is_corrected_over_the_first_convention_of_all_networks_over_all_images():
    """Two networks, two comparisons each; single sets and other conventions are not among them."""
    found = row_differences([run([*rows(), *rows(segmenter="t")])])
    family = [one for one in found if (one.test_set, one.metric) == ("overall", "mdice@256")]
    assert [one.training.segmenter for one in family] == ["s", "s", "t", "t"]
    assert [one.p_holm for one in family] == holm([one.p_wilcoxon for one in family])
    assert {one.comparisons for one in family} == {4}
    assert {(one.p_holm, one.comparisons) for one in found if one not in family} == {(None, None)}
    assert all(one.p_wilcoxon is not None for one in found if one.test_set != "overall-unweighted")


def test_what_two_runs_share_is_one_comparison():
    """The second run adds a generator; its own control is the same line."""
    found = row_differences([run(rows()), run([*rows(), row("h", 0.03)])])
    family = [one for one in found if one.comparisons]
    assert [name(one) for one in family] == ["real", "real+g", "real+h"]
    assert {one.comparisons for one in family} == {3}


def test_equal_rows_are_no_finding():
    twin = generator(training(row("copies", 0.02), trained_on="real+g", key="twin"), "g")
    found = row_differences([run([*rows(), twin])])
    equal = [one for one in found if one.training.key == "twin"]
    assert {(one.estimate, one.p_holm) for one in equal} == {(Estimate(0, 0, 0), None)}
    assert {one.comparisons for one in found if one.comparisons} == {2}


def test_one_training_under_two_names_is_one_comparison():
    """As the control's copies alone and the real images."""
    trained = rows()
    twin = generator(training(trained[0], trained_on="copies only", key="twin"), "copies")
    plain, doubled = (
        {name(one): (one.p_holm, one.comparisons) for one in row_differences([run(found)]) if one.comparisons}
        for found in (trained, [*trained, twin])
    )
    assert doubled == {**plain, "copies only": plain["real"]}


def test_a_row_without_one_of_the_sets_is_compared_on_the_others_and_named():
    trained = [*rows()[:2], row("g", 0.05, tests=("test/a",))]
    of_g = [one.test_set for one in row_differences([run(trained)]) if name(one) == "real+g"]
    assert of_g == ["a"] * 2
    assert unpaired([run(trained)]) == [
        "s, real+g is not compared with real+copies over all images; b: no scores of both on the same images"
    ]
    assert unpaired([run(rows())]) == []


def test_rows_on_other_images_are_not_compared():
    odd = row("g", 0.05)
    odd = replace(odd, tests={**odd.tests, "test/b": scored(HARD["test/a"])})
    found = row_differences([run([*rows()[:2], odd])])
    assert {one.test_set for one in found if name(one) == "real+g"} == {"a"}
    assert "b: no scores of both" in unpaired([run([*rows()[:2], odd])])[0]


def test_all_that_ties_with_the_best_is_bold():
    """`h` is a hair below `g` and one image in two above it; the other two are beyond the noise."""
    trained = [*rows(), row("h", 0.0495)]
    found = ties(trained, scores_of(trained), ["mdice@256"])
    assert found == {Spot(f"{name} s", test, "mdice@256") for name in "gh" for test in "ab"}


def test_bold_is_of_each_network_and_direction():
    """The worse network's best is bold in its own block; where lower is better the lowest is."""
    trained = [*rows(), *rows(segmenter="t")]
    found = ties(trained, scores_of(trained), ["mdice@256"])
    assert {one.row for one in found} == {"g s", "g t"}
    lower = [replace(one, better="lower") for one in scores_of(trained)]
    assert {one.row for one in ties(trained, lower, ["mdice@256"])} == {"real s", "real t"}


def test_a_row_that_two_runs_show_is_the_best_of_nothing():
    """Under two references, say."""
    one = row("g", 0.05)
    again = training(one, settings="reference=test")
    assert ties([one, again], scores_of([one, again]), ["mdice@256"]) == set()


def test_rows_selected_on_test_take_no_bold_from_the_others():
    """Their scores are optimistic: each kind has a best of its own."""
    honest = rows()
    other = [row("g", 0.2, selected_on_test=True), row("h", 0.1, selected_on_test=True)]
    other = [training(one, key=f"{one.training.key} on test") for one in other]
    found = ties([*honest, *other], scores_of([*honest, *other]), ["mdice@256"])
    assert {one.row for one in found if one.test_set == "a"} == {"g s", "g s on test"}


def test_a_row_alone_and_a_column_that_is_not_shown_have_no_bold():
    trained = rows()
    assert ties(trained[:1], scores_of(trained), ["mdice@256"]) == set()
    assert ties(trained, scores_of(trained), ["miou@256"]) == set()


def control(row):
    """The same row, of a generator that is a control."""
    return replace(row, about=replace(row.about, made=replace(row.about.made, control=True)))


def test_a_control_is_shown_and_changes_nothing_of_the_others():
    """The best row by far: it has its difference and takes neither bold nor a share of the correction."""
    plain, shown = rows(), [*rows(), control(row("h", 0.2))]
    without, found = (row_differences([run(one)]) for one in (plain, shown))
    assert [one for one in found if name(one) != "real+h"] == without
    of_h = [one for one in found if name(one) == "real+h"]
    assert {one.baseline for one in of_h} == {"real+copies"}
    assert of_h[0].estimate.value == pytest.approx(0.18, abs=0.01)
    assert {(one.p_holm, one.comparisons) for one in of_h} == {(None, None)}
    bold = [ties(one, scores_of(one), ["mdice@256"]) for one in (plain, shown)]
    assert bold[0] == bold[1] != set()
    notes = ["\n".join(significance_table(one).notes) for one in (without, found)]
    assert ["nor is a control" in one for one in notes] == [False, True]


def text_of(table):
    return [
        {c.title: str(show(cell, c)) for c, cell in zip(table.columns, row, strict=True)} for row in table.rows
    ]  # fmt: skip


def test_the_table_has_a_row_a_comparison():
    table = significance_table(row_differences([run(rows())]), ["not compared"])
    assert table.caption == "Differences against real+copies (mdice@256, overall)"
    real, other = text_of(table)
    assert (real["trained on"], other["trained on"], other["segmenter"]) == ("real", "real+g", "s")
    assert other["p (Holm)"] == "< 0.001"
    assert other["difference"].startswith("0.03")
    assert (other["groups"], other["images"], other["interval"]) == ("70", "70", "BCa")
    assert "sd over seeds" not in other
    notes = "\n".join(table.notes)
    assert "corrected for the 2 comparison(s)" in notes
    assert "1 seed: " in notes
    assert table.notes[-1] == "not compared"
    assert significance_table([]) is None


def test_several_trainings_have_their_spread():
    found = [
        replace(one, training=replace(one.training, seeds=3), sd=0.012, beyond_training=False)
        for one in row_differences([run(rows())])
    ]
    table = significance_table(found)
    assert (text_of(table)[0]["sd over seeds"], text_of(table)[0]["beyond it"]) == ("0.012", "no")
    assert any("without training noise" in note for note in table.notes)
    assert not any("1 seed" in note for note in table.notes)
