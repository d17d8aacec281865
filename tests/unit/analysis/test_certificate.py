"""What must happen to the numbers of controls: each rule holds where it should, and fails where it should."""

from dataclasses import replace

import numpy as np
import pytest

from bench.analysis.certificate import Control, Evidence, checks
from bench.analysis.estimate import Counts, Estimate, Resampled
from bench.analysis.false_claims import false_claims
from bench.analysis.score_rows import ScoredRow
from bench.analysis.sensitivity import sensitivities
from bench.analysis.set_differences import SetDifference
from bench.analysis.test_scores import over_repeats
from bench.analysis.verdicts import Verdict
from bench.contracts import Floor, Measure, Must, Truth
from bench.report.certificate_tables import Certificate, checks_table, claims_table
from bench.segscores import COUNTS, PER_IMAGE
from bench.stats.confidence import crossed
from tests.score_examples import set_score, trained_row


def control(*truths, doses=("",), name="c"):
    return Control(name=name, doses=doses, truths=truths)


def of_sets(must, *sets, doses=("",), **about):
    """The answers to one promise on measures of metric `m`."""
    found = checks([control(Truth(must=must, metric="m", **about), doses=doses)], Evidence(sets, []))
    return [one.held for one in found]


def floor(at_n):
    return Floor(value=1.0, sd=0.1, n=9, splits=9, at_n=at_n)


def doses(*values, **changes):
    return [set_score(value=value, generator=f"c:{at}", **changes) for at, value in enumerate(values, 1)]


def test_a_set_is_at_its_floor_within_three_deviations():
    assert of_sets(Must.FLOOR, set_score(generator="c", floor=floor(1.29))) == [True]
    assert of_sets(Must.FLOOR, set_score(generator="c", floor=floor(1.31))) == [False]
    assert of_sets(Must.TOLD, set_score(generator="c", floor=floor(1.31))) == [True]
    assert of_sets(Must.TOLD, set_score(generator="c", floor=floor(1.29))) == [False]
    assert of_sets(Must.FLOOR, set_score(generator="c", floor=floor(0.69), better="higher")) == [False]
    assert of_sets(Must.FLOOR, set_score(generator="c", value=0.1, low=-0.1, high=0.3)) == [True], "no halves: 0 in it"
    assert of_sets(Must.FLOOR, set_score(generator="c", value=0.2, low=0.1, high=0.3)) == [False]


@pytest.mark.parametrize(
    ("values", "better", "within", "held"),
    [
        ((1, 2, 3), "lower", 0, True),
        ((1, 3, 2), "lower", 0, False),
        ((1, 3, 2), "lower", 1, True),
        ((3, 2, 1), "higher", 0, True),
        ((1, 2, 3), "higher", 0, False),
        ((2, 2, 2), "lower", 0, False),
    ],
)
def test_doses_worsen_step_by_step(values, better, within, held):
    sets = doses(*values, better=better)
    assert of_sets(Must.WORSEN, *sets, doses=("1", "2", "3"), within=within) == [held]


def test_a_dose_that_was_not_measured_leaves_no_answer():
    assert of_sets(Must.WORSEN, *doses(1, 2), doses=("1", "2", "3")) == [None]
    assert of_sets(Must.ZERO) == [None]


def test_copies_are_as_many_as_were_planted():
    sets = [set_score(value=value, generator=f"c:{dose}", n=200) for dose, value in (("10", 0.12), ("30", 0.28))]
    assert of_sets(Must.DOSE, *sets, doses=("10", "30"), within=0.03) == [True]
    assert of_sets(Must.DOSE, *sets, doses=("10", "30"), within=0.01) == [False]
    assert of_sets(Must.ZERO, set_score(generator="c", value=0.02), within=0.03) == [True]


def test_a_small_set_holds_whole_copies_only():
    """Of 12 images 10 % are 1 and 30 % are 4."""
    sets = [set_score(value=count / 12, generator=f"c:{dose}", n=12) for dose, count in (("10", 1), ("30", 4))]
    assert of_sets(Must.DOSE, *sets, doses=("10", "30"), within=0.03) == [True]
    sets = [set_score(value=count / 12, generator=f"c:{dose}", n=12) for dose, count in (("10", 3), ("30", 4))]
    assert of_sets(Must.DOSE, *sets, doses=("10", "30"), within=0.03) == [False]


def test_what_was_not_measured_is_not_called_undecided():
    verdict = gains(0.0, control=True, repeats=1, noise=0)
    both = control(Truth(must=Must.HARM), Truth(must=Must.ZERO, metric="m"), doses=("0",))
    caption = checks_table(checks([both], Evidence([], verdict))).caption
    assert caption == "Certificate: 0 of 0 promises held, 1 more not decided, 1 not measured"


def test_alignment_is_held_against_its_own_ceiling_and_floor():
    own = {"generator": "c", "better": "higher", "headline": False}
    others = [
        set_score("alignment-u ceiling", 0.7, 0.6, 0.8, **{**own, "better": ""}),
        set_score("alignment-u floor", 0.2, 0.1, 0.3, **{**own, "better": ""}),
    ]
    for value, aligned, misaligned in ((0.65, True, False), (0.45, False, False), (0.3, False, True)):
        sets = [set_score("alignment-u", value, value - 0.05, value + 0.05, **own), *others]
        assert of_sets(Must.ALIGNED, *sets, measure="alignment") == [aligned]
        assert of_sets(Must.MISALIGNED, *sets, measure="alignment") == [misaligned]


def test_the_headline_is_meant_unless_a_measure_is_named():
    sets = [set_score("FD", 0.0, generator="c"), set_score("FD-infinity", 9.0, generator="c", headline=False)]
    assert of_sets(Must.ZERO, *sets) == [True]
    assert of_sets(Must.ZERO, *sets, measure="FD-inf") == [False]


def test_a_measure_that_cannot_see_a_fault_counts_not():
    """And the table says why it is expected to fail."""
    blind = Truth(must=Must.WORSEN, metric="m", blind="it looks at no mask")
    seen = Truth(must=Must.ZERO, metric="m")
    found = checks([control(blind, seen)], Evidence([set_score(generator="c", value=0.0)], []))
    table = checks_table(found)
    assert table.caption == "Certificate: 1 of 1 promises held"
    assert [row[-1].text for row in table.rows] == ["no, as expected", "yes"]
    assert any("it looks at no mask" in note for note in table.notes)


def difference(a, b, value):
    bounds = (value - 0.1, value + 0.1)
    return SetDifference(measure=Measure("FD"), a=a, b=b, estimate=Estimate(value, *bounds), method="", n=9)


def test_sensitivity_counts_what_is_told_right_and_wrong():
    found = checks([control(Truth(must=Must.WORSEN, metric="m"), doses=("1", "2", "3"))], Evidence(doses(1, 2, 3), []))
    told = [difference("c:2", "c:1", 1.0), difference("c:3", "c:2", -1.0), difference("c:3", "c:1", 1.0)]
    (one,) = sensitivities(found, told)
    assert (one.measure, one.pairs, one.right, one.wrong) == ("FD", 2, 1, 1)
    (unsure,) = sensitivities(found, [difference("c:2", "c:1", 0.05)])
    assert (unsure.right, unsure.wrong) == (0, 0)


def row(rng, name, repeats, noise):
    """Trainings on the same pairs: images are equally hard, and each training is off by its own noise."""
    hard = np.random.default_rng(0).normal(0.6, 0.1, 60)
    tables = []
    for _ in range(repeats):
        values = hard + rng.normal(0, noise) + rng.normal(0, 0.02, 60)
        tables.append(
            [
                {"id": f"i{at}", "group": "", **dict.fromkeys(PER_IMAGE, value), **dict.fromkeys(COUNTS, 5)}
                for at, value in enumerate(values)
            ]
        )
    return ScoredRow(trained_row(name, name, key=name, repeats=repeats), {"test/a": over_repeats(tables, seed=0)})


def test_trainings_that_differ_by_chance_alone_are_claimed_to_differ_by_one_repeat_and_not_by_three():
    """Training noise of 0.02 is far beyond the interval over 60 images, and Student's knows it."""
    rng = np.random.default_rng(1)
    noisy = row(rng, "real", 120, 0.02)
    single, three = (false_claims(noisy, "mdice@256", size) for size in (1, 3))
    assert (single.verdicts, three.verdicts) == (120, 40)
    assert single.claims / single.verdicts > 0.5
    assert three.bounds[0] <= 0.05 <= 0.2
    still = false_claims(row(rng, "real", 120, 0), "mdice@256", 1)
    assert still.bounds[0] <= 0.05 <= 0.12, "without training noise one repeat keeps its promise too"
    table = claims_table([single, three])
    assert [row[1].text for row in table.rows] == ["1", "3"]


def test_a_certificate_has_a_table_for_what_was_made():
    found = checks([control(Truth(must=Must.ZERO, metric="m"))], Evidence([set_score(generator="c", value=0.0)], []))
    assert list(Certificate(checks=tuple(found), claims=(), sensitivities=()).tables) == ["certificate"]


def test_a_rule_that_claims_too_much_is_found_out(monkeypatch):
    """An interval of a normal distribution in place of Student's with two degrees of freedom: 19 % false claims."""
    noisy = row(np.random.default_rng(1), "real", 300, 0.02)
    plain = false_claims(noisy, "mdice@256", 3)
    monkeypatch.setattr("bench.analysis.estimate.crossed", of_normal)
    broken = false_claims(noisy, "mdice@256", 3)
    assert plain.bounds[0] <= 0.05 < broken.bounds[0]


def of_normal(draws, by_repeat):
    return replace(crossed(draws, by_repeat), freedom=1000)


def gains(*values, repeats=3, noise=0.003, control=False):
    """A verdict a value, on trainings whose gains are off by noise; named a, b, c …"""
    rng = np.random.default_rng(5)
    found = []
    for at, value in enumerate(values):
        by_repeat = value + rng.normal(0, noise, repeats)
        draws = by_repeat[:, None] + rng.normal(0, 0.002, 2000)
        number = Resampled(by_repeat=by_repeat, draws=draws, counts=Counts(images=90, clusters=90))
        name = f"c:{at}" if control else "abcdefgh"[at]
        about = trained_row(f"real+{name}", name, key=name, repeats=repeats)
        found.append(
            Verdict(
                generator=name,
                training=about.training,
                baseline="real+copies",
                baseline_pairs=None,
                number=number,
                test_set="overall",
                metric="mdice@256",
                margin=0.01,
                unranked=control,
            )  # fmt: skip
        )
    return found


def of_rows(must, verdicts, doses):
    (one,) = checks([control(Truth(must=must), doses=doses)], Evidence([], verdicts))
    return one.held


def test_a_row_worsens_where_its_strongest_dose_is_worse_beyond_noise():
    doses = ("0", "1", "2")
    assert of_rows(Must.WORSEN, gains(0.0, -0.05, -0.1, control=True), doses) is True
    assert of_rows(Must.WORSEN, gains(0.0, 0.0, 0.0, control=True), doses) is None
    assert of_rows(Must.WORSEN, gains(0.0, -0.2, -0.1, control=True), doses) is False


def test_a_ceiling_is_surpassed_where_a_ranked_set_is_better_beyond_noise():
    """A control of another domain competes with none."""
    (ceiling,) = gains(0.05, control=True)
    assert of_rows(Must.BEST, [ceiling, *gains(0.05, 0.05, 0.051)], ("0",)) is True
    assert of_rows(Must.BEST, [ceiling, *gains(0.05, 0.09)], ("0",)) is False
    assert of_rows(Must.BEST, [ceiling, *gains(0.02, 0.09, control=True)[1:]], ("0",)) is True
    assert of_rows(Must.BEST, gains(-0.09, control=True), ("0",)) is False, "worse than copies"


def test_one_training_of_each_decides_nothing_but_that_equal_pairs_make_equal_networks():
    """It may differ by 0.1 without a difference between the pairs."""
    first = gains(0.1, -0.1, control=True, repeats=1, noise=0)
    for must in (Must.WORSEN, Must.HARM, Must.NOT_HARM, Must.BEST):
        assert of_rows(must, first, ("0", "1")) is None
    assert of_rows(Must.NO_CLAIM, first, ("0", "1")) is False


def test_harm_is_shown_or_hidden_or_contradicted():
    answers = [of_rows(Must.HARM, gains(value, control=True), ("0",)) for value in (-0.1, 0.0, 0.1)]
    assert answers == [True, None, False]


def test_nothing_measured_is_nothing_held():
    found = checks([control(Truth(must=Must.ZERO, metric="m"))], Evidence([], []))
    assert not Certificate(checks=tuple(found), claims=(), sensitivities=()).holds


def test_doses_whose_difference_has_no_interval_are_none_that_were_not_told_apart():
    found = checks([control(Truth(must=Must.WORSEN, metric="m"), doses=("1", "2"))], Evidence(doses(1, 2), []))
    bare = SetDifference(measure=Measure("FD"), a="c:2", b="c:1", estimate=Estimate(1.0), method="", n=9)
    (one,) = sensitivities(found, [bare])
    assert one.pairs == 0
