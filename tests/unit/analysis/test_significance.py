"""Which lines are compared with which, over how many comparisons p is corrected, and what is set in bold."""

from dataclasses import replace

import numpy as np
import pytest

from bench.analysis.score_rows import ScoreRow
from bench.analysis.significance import Trained, gains, ties, unpaired
from bench.analysis.test_scores import over_seeds
from bench.plugins.profile import ON_TEST
from bench.report.significance_table import significance_table
from bench.report.table import show
from bench.segscores import COUNTS, PER_IMAGE
from bench.stats.rank_test import holm

RNG = np.random.default_rng(0)
HARD = {"test/a": RNG.normal(0.6, 0.1, 50), "test/b": RNG.normal(0.5, 0.1, 20)}
NOISE = {name: [RNG.normal(0, 0.01, 50), RNG.normal(0, 0.01, 20)] for name in ("real", "copies", "g", "h")}
ABOUT = ScoreRow("d", "f" * 12, "none", "real", "real", "s", "a", "mdice@256", 0.5, None, None, 9, 1, None, "demo", "",
                 "segscore/r", "higher")  # fmt: skip
MANIFEST = {"columns": ["mdice@256", "iou@0.5"], "controls": ["copies"]}


def scored(values):
    rows = [
        {"id": f"i{at}", "group": "", **dict.fromkeys(PER_IMAGE, value), **dict.fromkeys(COUNTS, 5)}
        for at, value in enumerate(values)
    ]
    return over_seeds([rows], seed=0)


def line(name, gain, tests=("test/a", "test/b"), **changes):
    """A line whose every image scores `gain` more than it is hard, about; `name` is its noise's and generator's."""
    row, generator = ("real", "none") if name == "real" else (f"real+{name}", name)
    about = replace(ABOUT, row=row, generator=generator, line=f"{name} {changes.get('segmenter', 's')}", **changes)
    found = {
        test: scored(HARD[test] + gain + noise) for test, noise in zip(HARD, NOISE[name], strict=True) if test in tests
    }
    return Trained(about, found, tuple(test for test in HARD if test not in tests))


def lines(**changes):
    return [line("real", 0, **changes), line("copies", 0.02, **changes), line("g", 0.05, **changes)]


def rows_of(trained):
    """The numbers of the leaderboard for these lines."""
    return [
        replace(one.about, test_set=test.removeprefix("test/"), value=part.value(("mdice@256", "")))
        for one in trained for test, part in one.tests.items()
    ]  # fmt: skip


def test_every_line_is_compared_with_the_control_on_every_set():
    found = gains([(MANIFEST, lines())])
    assert list(dict.fromkeys((one.row, one.baseline) for one in found)) == [
        ("real", "real+copies"),
        ("real+g", "real+copies"),
    ]
    of_g = {one.test_set: one for one in found if (one.row, one.metric) == ("real+g", "mdice@256")}
    assert list(of_g) == ["a", "b", "overall", "overall-unweighted"]
    assert [one.n_images for one in of_g.values()] == [50, 20, 70, 70]
    expected = (50 * of_g["a"].difference + 20 * of_g["b"].difference) / 70
    assert of_g["overall"].difference == pytest.approx(expected) == pytest.approx(0.03, abs=0.005)
    assert 0 < of_g["overall"].low < of_g["overall"].difference < of_g["overall"].high
    assert {one.metric for one in found} == set(MANIFEST["columns"])


def test_without_a_control_lines_are_compared_with_the_real_images_alone():
    """A line beside it that has no synthetic set either is compared, too."""
    equal = line("h", 0)
    equal = replace(equal, about=replace(equal.about, row="real, again", generator="none"))
    found = gains([({**MANIFEST, "controls": []}, [equal, *lines()])])
    assert {one.baseline for one in found} == {"real"}
    assert {one.row for one in found} == {"real, again", "real+copies", "real+g"}
    assert gains([(MANIFEST, [line("g", 0.1)])]) == []


def test_p_is_corrected_over_the_first_convention_of_all_networks_over_all_images():
    """Two networks, two comparisons each; single sets and other conventions are not among them."""
    found = gains([(MANIFEST, [*lines(), *lines(segmenter="t")])])
    family = [one for one in found if (one.test_set, one.metric) == ("overall", "mdice@256")]
    assert [one.segmenter for one in family] == ["s", "s", "t", "t"]
    assert [one.p_holm for one in family] == holm([one.p_wilcoxon for one in family])
    assert {one.comparisons for one in family} == {4}
    assert {(one.p_holm, one.comparisons) for one in found if one not in family} == {(None, None)}
    assert all(one.p_wilcoxon is not None for one in found if one.test_set != "overall-unweighted")


def test_what_two_runs_share_is_one_comparison():
    """The second run adds a generator; its own control is the same line."""
    found = gains([(MANIFEST, lines()), (MANIFEST, [*lines(), line("h", 0.03)])])
    family = [one for one in found if one.comparisons]
    assert [one.row for one in family] == ["real", "real+g", "real+h"]
    assert {one.comparisons for one in family} == {3}


def test_equal_lines_are_no_finding():
    copies = line("copies", 0.02)
    twin = replace(copies, about=replace(copies.about, row="real+g", generator="g", line="twin"))
    found = gains([(MANIFEST, [*lines(), twin])])
    equal = [one for one in found if one.line == "twin"]
    assert {(one.difference, one.low, one.high, one.p_holm) for one in equal} == {(0, 0, 0, None)}
    assert {one.comparisons for one in found if one.comparisons} == {2}


def test_one_training_under_two_names_is_one_comparison():
    """As the control's copies alone and the real images."""
    trained = lines()
    twin = replace(trained[0], about=replace(trained[0].about, row="copies only", generator="copies", line="twin"))
    plain, doubled = (
        {one.row: (one.p_holm, one.comparisons) for one in gains([(MANIFEST, found)]) if one.comparisons}
        for found in (trained, [*trained, twin])
    )
    assert doubled == {**plain, "copies only": plain["real"]}


def test_a_line_without_one_of_the_sets_is_compared_on_the_others_and_named():
    trained = [*lines()[:2], line("g", 0.05, tests=("test/a",))]
    of_g = [one.test_set for one in gains([(MANIFEST, trained)]) if one.row == "real+g"]
    assert of_g == ["a"] * 2
    assert unpaired([(MANIFEST, trained)]) == [
        "s, real+g is not compared with real+copies over all images; b: no scores of both on the same images"
    ]
    assert unpaired([(MANIFEST, lines())]) == []


def test_lines_on_other_images_are_not_compared():
    odd = line("g", 0.05)
    odd = replace(odd, tests={**odd.tests, "test/b": scored(HARD["test/a"])})
    found = gains([(MANIFEST, [*lines()[:2], odd])])
    assert {one.test_set for one in found if one.row == "real+g"} == {"a"}
    assert "b: no scores of both" in unpaired([(MANIFEST, [*lines()[:2], odd])])[0]


def test_all_that_ties_with_the_best_is_bold():
    """`h` is a hair below `g` and one image in two above it; the other two are beyond the noise."""
    trained = [*lines(), line("h", 0.0495)]
    found = ties(trained, rows_of(trained), ["mdice@256"])
    assert found == {(f"{name} s", test, "mdice@256") for name in "gh" for test in "ab"}


def test_bold_is_of_each_network_and_direction():
    """The worse network's best is bold in its own block; where lower is better the lowest is."""
    trained = [*lines(), *lines(segmenter="t")]
    found = ties(trained, rows_of(trained), ["mdice@256"])
    assert {key for key, _, _ in found} == {"g s", "g t"}
    lower = [replace(row, better="lower") for row in rows_of(trained)]
    assert {key for key, _, _ in ties(trained, lower, ["mdice@256"])} == {"real s", "real t"}


def test_a_line_that_two_runs_show_is_the_best_of_nothing():
    """Under two references, say."""
    one = line("g", 0.05)
    again = replace(one, about=replace(one.about, settings="reference=test"))
    assert ties([one, again], rows_of([one, again]), ["mdice@256"]) == set()


def test_lines_selected_on_test_take_no_bold_from_the_others():
    """Their scores are optimistic: each kind has a best of its own."""
    honest = lines()
    other = [line("g", 0.2, settings=f"{ON_TEST} s.x=1"), line("h", 0.1, settings=f"{ON_TEST} s.x=1")]
    other = [replace(one, about=replace(one.about, line=f"{one.about.line} on test")) for one in other]
    found = ties([*honest, *other], rows_of([*honest, *other]), ["mdice@256"])
    assert {key for key, test, _ in found if test == "a"} == {"g s", "g s on test"}


def test_a_line_alone_and_a_column_that_is_not_shown_have_no_bold():
    trained = lines()
    assert ties(trained[:1], rows_of(trained), ["mdice@256"]) == set()
    assert ties(trained, rows_of(trained), ["miou@256"]) == set()


def text_of(table):
    return [
        {c.title: show(cell, c) for c, cell in zip(table.columns, row, strict=True)} for row in table.rows
    ]  # fmt: skip


def test_the_table_has_a_line_a_comparison():
    table = significance_table(gains([(MANIFEST, lines())]), ["not compared"])
    assert table.caption == "Differences against real+copies (mdice@256, overall)"
    real, other = text_of(table)
    assert (real["row"], other["row"], other["segmenter"]) == ("real", "real+g", "s")
    assert other["p (Holm)"] == "< 0.001"
    assert other["difference"].startswith("0.03")
    assert (other["groups"], other["images"], other["interval"]) == ("70", "70", "BCa")
    assert "sd over seeds" not in other
    notes = "\n".join(table.notes)
    assert "corrected for the 2 comparison(s)" in notes
    assert "1 seed: training noise is not estimated" in notes
    assert table.notes[-1] == "not compared"
    assert significance_table([]) is None


def test_several_trainings_have_their_spread():
    found = [replace(one, seeds=3, sd_seeds=0.012, beyond_seeds=False) for one in gains([(MANIFEST, lines())])]
    table = significance_table(found)
    assert (text_of(table)[0]["sd over seeds"], text_of(table)[0]["beyond it"]) == ("0.012", "no")
    assert any("without training noise" in note for note in table.notes)
    assert not any("1 seed" in note for note in table.notes)
