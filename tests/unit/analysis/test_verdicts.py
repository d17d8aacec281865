"""Which rows are compared with which, over how many comparisons p is corrected, and what is set in bold."""

from dataclasses import replace

import numpy as np
import pytest

from bench.analysis.estimate import Estimate
from bench.analysis.paired import paired
from bench.analysis.score_rows import ScoredRow, ScoredRun
from bench.analysis.test_scores import Draws, ImageScores, over_repeats, over_trainings
from bench.analysis.verdicts import HARMS, HELPS, UNDECIDED, WITHIN, Spot, ties, unpaired, verdicts
from bench.report.table import show
from bench.report.verdicts_table import needed, verdicts_table
from bench.segscores import COUNTS, PER_IMAGE
from bench.stats.holm import holm
from tests.score_examples import row_score, trained_row

RNG = np.random.default_rng(0)
HARD = {"test/a": RNG.normal(0.6, 0.1, 50), "test/b": RNG.normal(0.5, 0.1, 20)}
NOISE = {name: [RNG.normal(0, 0.01, 50), RNG.normal(0, 0.01, 20)] for name in ("real", "copies", "g", "h")}
COLUMNS = ("mdice@256", "iou@0.5")


def run(rows, controls=("copies",), margin=0.01):
    return ScoredRun(columns=COLUMNS, controls=controls, margin=margin, rows=tuple(rows))


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
    return over_repeats([rows], seed=0)


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
    found = verdicts([run(rows())])
    assert list(dict.fromkeys((name(one), one.baseline) for one in found)) == [
        ("real", "real+copies"),
        ("real+g", "real+copies"),
    ]
    of_g = {one.test_set: one for one in found if (name(one), one.metric) == ("real+g", "mdice@256")}
    assert list(of_g) == ["a", "b", "overall", "overall-unweighted"]
    assert [one.number.counts.images for one in of_g.values()] == [50, 20, 70, 70]
    expected = (50 * of_g["a"].estimate.value + 20 * of_g["b"].estimate.value) / 70
    assert of_g["overall"].estimate.value == pytest.approx(expected) == pytest.approx(0.03, abs=0.005)
    assert 0 < of_g["overall"].estimate.low < of_g["overall"].estimate.value < of_g["overall"].estimate.high
    assert {one.metric for one in found} == set(COLUMNS)


def test_without_a_control_rows_are_compared_with_the_real_images_alone():
    """A line beside it that has no synthetic set either is compared, too."""
    equal = generator(training(row("h", 0), trained_on="real, again"), "none")
    found = verdicts([run([equal, *rows()], controls=())])
    assert {one.baseline for one in found} == {"real"}
    assert {name(one) for one in found} == {"real, again", "real+copies", "real+g"}
    assert verdicts([run([row("g", 0.1)])]) == []


def test_without_a_control_the_real_pairs_with_as_many_updates_come_before_the_real_pairs():
    """A gain over fewer updates would be the updates'."""
    short, longer = (
        training(row("real", 0), kind="real", pairs=10),
        training(row("h", 0), kind="equal-updates", pairs=20),
    )
    longer = generator(training(longer, trained_on="real, equal updates"), "none")
    added = [training(row(one, 0.05), kind="added", pairs=count) for one, count in (("copies", 20), ("g", 30))]
    found = verdicts([run([short, longer, *added], controls=())])
    assert {(name(one), one.baseline) for one in found} == {
        ("real, equal updates", "real"),
        ("real+copies", "real, equal updates"),
        ("real+g", "real"),
    }


def test_where_the_control_failed_nothing_is_compared():
    """Another baseline would be easier or harder to beat."""
    failed = replace(run([rows()[0], rows()[2]]), blind=("s",))
    assert verdicts([failed]) == []
    assert verdicts([replace(failed, blind=("t",))])


def test_what_failed_is_a_comparison_all_the_same():
    """Without it the others' correction would be milder for the failure."""
    alone, beside = (
        next(one for one in verdicts([replace(run(rows()[1:]), lacking=lacking)]) if one.comparisons)
        for lacking in ((), ("a row that failed",))
    )
    assert (alone.comparisons, beside.comparisons) == (1, 2)
    assert (beside.p_holm, beside.level) == (2 * alone.p_value, 0.975)


def test_repeats_in_which_nothing_changed_are_one():
    def thrice(one, repeats):
        alike = {test: [ImageScores(part.repeats[0], part.ids, part.groups)] * 3 for test, part in one.tests.items()}
        tests = {test: over_trainings(trainings, 0, Draws()) for test, trainings in alike.items()}
        return replace(training(one, repeats=repeats), tests=tests)

    once, several = (verdicts([run([thrice(one, repeats) for one in rows()])]) for repeats in (1, 3))
    assert {len(one.number.by_repeat) for one in once} == {1}
    assert {len(one.number.by_repeat) for one in several} == {3}


def test_p_is_corrected_over_the_first_convention_of_all_networks_over_all_images():
    """Two networks, two comparisons each; single sets and other conventions are not among them."""
    found = verdicts([run([*rows(), *rows(segmenter="t")])])
    family = [one for one in found if (one.test_set, one.metric) == ("overall", "mdice@256")]
    assert [one.training.segmenter for one in family] == ["s", "s", "t", "t"]
    assert [one.p_holm for one in family] == holm([one.p_value for one in family])
    assert {one.comparisons for one in family} == {4}
    assert {(one.p_holm, one.comparisons) for one in found if one not in family} == {(None, None)}
    assert all(one.p_value is not None for one in found if one.test_set != "overall-unweighted")


def test_what_two_runs_share_is_one_comparison():
    """The second run adds a generator; its own control is the same line."""
    found = verdicts([run(rows()), run([*rows(), row("h", 0.03)])])
    family = [one for one in found if one.comparisons]
    assert [name(one) for one in family] == ["real", "real+g", "real+h"]
    assert {one.comparisons for one in family} == {3}


def test_equal_rows_are_no_finding():
    twin = generator(training(row("copies", 0.02), trained_on="real+g", key="twin"), "g")
    found = verdicts([run([*rows(), twin])])
    equal = [one for one in found if one.training.key == "twin"]
    assert {(one.estimate, one.p_holm) for one in equal} == {(Estimate(0, 0, 0), None)}
    assert {one.comparisons for one in found if one.comparisons} == {2}


def test_one_training_under_two_names_is_one_comparison():
    """As the control's copies alone and the real images."""
    trained = rows()
    twin = generator(training(trained[0], trained_on="copies only", key="twin"), "copies")
    plain, doubled = (
        {name(one): (one.p_holm, one.comparisons) for one in verdicts([run(found)]) if one.comparisons}
        for found in (trained, [*trained, twin])
    )
    assert doubled == {**plain, "copies only": plain["real"]}


def test_a_row_without_one_of_the_sets_is_compared_on_the_others_and_named():
    trained = [*rows()[:2], row("g", 0.05, tests=("test/a",))]
    of_g = [one.test_set for one in verdicts([run(trained)]) if name(one) == "real+g"]
    assert of_g == ["a"] * 2
    assert unpaired([run(trained)]) == [
        "s, real+g is not compared with real+copies over all images; b: no scores of both on the same images"
    ]
    assert unpaired([run(rows())]) == []


def test_rows_on_other_images_are_not_compared():
    odd = row("g", 0.05)
    odd = replace(odd, tests={**odd.tests, "test/b": scored(HARD["test/a"])})
    found = verdicts([run([*rows()[:2], odd])])
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
    without, found = (verdicts([run(one)]) for one in (plain, shown))
    same = [(one.estimate, one.p_holm) for one in found if name(one) != "real+h"]
    assert same == [(one.estimate, one.p_holm) for one in without]
    of_h = [one for one in found if name(one) == "real+h"]
    assert {one.baseline for one in of_h} == {"real+copies"}
    assert of_h[0].estimate.value == pytest.approx(0.18, abs=0.01)
    assert {(one.p_holm, one.comparisons) for one in of_h} == {(None, None)}
    bold = [ties(one, scores_of(one), ["mdice@256"]) for one in (plain, shown)]
    assert bold[0] == bold[1] != set()
    notes = ["\n".join(verdicts_table(one).notes) for one in (without, found)]
    assert ["nor is a control" in one for one in notes] == [False, True]


def text_of(table):
    return [
        {c.title: str(show(cell, c)) for c, cell in zip(table.columns, row, strict=True)} for row in table.rows
    ]  # fmt: skip


def test_the_table_has_a_row_a_comparison():
    table = verdicts_table(verdicts([run(rows())]), ["not compared"])
    assert table.caption == (
        "Verdicts: differences against real+copies (mdice@256, overall; intervals of 95 to 97.5 % for 2 comparisons)"
    )
    real, other = text_of(table)
    assert (real["trained on"], other["trained on"], other["segmenter"]) == ("real", "real+g", "s")
    assert (other["verdict"], other["P(false)"], other["p (Holm)"]) == ("helps", "< 0.001", "0.002")
    assert real["verdict"] == "harms"
    assert other["difference"].startswith("0.03")
    assert (other["groups"], other["images"], other["repeats"]) == ("70", "70", "1")
    notes = "\n".join(table.notes)
    assert "correction for the 2 comparison(s)" in notes
    assert "intervals contain test images; NOT generator training, NOT sampling, NOT segmentation training" in notes
    assert table.notes[-1] == "not compared"
    assert verdicts_table([]) is None


def compared(gains, hard=HARD["test/a"], margin=0.01):
    """The verdict on a row that gains so much in each repeat, with a little noise of images."""
    noise = NOISE["g"][0] / 5
    rows = []
    for key, one in (("copies", [0.0] * len(gains)), ("g", gains)):
        tables = [
            [
                {"id": f"i{at}", "group": "", **dict.fromkeys(PER_IMAGE, value), **dict.fromkeys(COUNTS, 5)}
                for at, value in enumerate(hard + gain + (noise if key == "g" else 0))
            ]
            for gain in one
        ]
        about = trained_row(f"real+{key}", key, key=key, repeats=len(gains))
        rows.append(ScoredRow(about, {"test/a": over_repeats(tables, seed=0)}))
    found = verdicts([run(rows, margin=margin)])
    return next(one for one in found if (one.test_set, one.metric) == ("overall", "mdice@256"))


def test_the_interval_decides_and_repeats_widen_it():
    assert compared([0.05]).word == HELPS
    assert compared([-0.05]).word == HARMS
    assert compared([0.002]).word in (HELPS, WITHIN)
    assert compared([0.05, 0.052, 0.049]).word == HELPS
    assert compared([0.05, -0.03, 0.09]).word == UNDECIDED, "4.303 times the error over repeats holds 0"
    assert compared([0.0005, -0.0005, 0.0002], margin=0.01).word == WITHIN
    assert compared([0.0005, -0.0005, 0.0002], margin=0.0001).word == UNDECIDED


def test_lower_is_better_for_some_scores():
    one = replace(compared([0.05]), metric="mae")
    assert (one.word, one.not_worse) == (HARMS, False)
    assert replace(compared([-0.05]), metric="mae").word == HELPS


def test_not_worse_looks_at_the_bad_side_alone():
    assert compared([0.05]).not_worse
    assert not compared([-0.05]).not_worse
    assert compared([0.02, -0.001, 0.04], margin=0.1).not_worse, "undecided upwards, bounded downwards"


def test_undecided_says_what_would_decide():
    """More repeats help where repeats differ; of one repeat, only images can be asked for."""
    one = compared([0.05, -0.03, 0.09])
    repeats, images = one.needed
    assert repeats > 3
    assert images is None, "no number of images makes three repeats agree"
    assert compared([0.0005]).needed[0] is None


def test_holms_level_is_that_of_the_interval():
    """Of two comparisons the smaller p is held against 0.025, so its interval is of 97.5 %."""
    found = [one for one in verdicts([run(rows())]) if one.comparisons]
    assert sorted(one.level for one in found) == pytest.approx([0.95, 0.975])
    assert all((one.p_holm < 0.05) == (one.word in (HELPS, HARMS)) for one in found)


def test_rows_of_shorter_trainings_and_of_other_randomness_are_named():
    short, longer, random = row("real", 0, pairs=60), row("copies", 0.02, pairs=120), row("g", 0.05, pairs=120)
    several = training(random, varied=("generator",))
    notes = "\n".join(verdicts_table(verdicts([run([short, longer, several])])).notes)
    assert "fewer pairs an epoch than the baseline, so fewer updates too: real\n" in f"{notes}\n"
    assert "intervals of real+g contain test images, generator training; NOT" in notes
    assert "intervals of real contain test images; NOT generator training" in notes


def test_a_design_that_shows_the_margin_is_enough():
    """A difference of 1.5 standard errors is undecided, also where the design shows 3 of them in four of five runs."""
    one = next(one for one in verdicts([run(rows())]) if one.test_set == "overall")
    draws = RNG.normal(0.015, 0.01, (1, 4000))
    near = replace(one, number=replace(one.number, by_repeat=np.array([0.015]), draws=draws), level=0.95, margin=0.03)
    assert near.word == "undecided"
    assert needed(near) == "this design does"
    assert needed(replace(near, margin=0.02)).startswith("about")


def test_a_score_of_one_group_alone_has_no_verdict():
    """Lesions in one video of twenty: the others say nothing of their recall."""
    values = RNG.uniform(0.4, 0.9, 60)
    one, other = (lesions_in_one_video(values + gain) for gain in (0.02, 0.0))
    assert paired(one, other, ("recall@0.5", "")).estimate.bounds is None
    assert paired(one, other, ("dice@0.5", "")).estimate.bounds is not None


def lesions_in_one_video(values):
    rows = [
        {"id": f"i{at}", "group": f"g{at // 3}", **dict.fromkeys(PER_IMAGE, value), **dict.fromkeys(COUNTS, 5)}
        for at, value in enumerate(values)
    ]
    for row in rows[3:]:
        row |= {"recall@0.5": np.nan, "tp": 0, "fn": 0}
    return over_repeats([rows], seed=0)
