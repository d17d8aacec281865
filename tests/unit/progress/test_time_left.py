"""The time left of a run: from estimates, from what was seen, from both."""

import pytest

from bench.progress.time_left import Expected, TimeLeft, about


def test_estimates_count_until_something_was_seen():
    left = TimeLeft({"a": Expected("fit", 100.0), "b": Expected("train", 20.0)})
    assert left.seconds() == 120
    assert left.seconds(elapsed=30) == 90
    assert left.seconds(elapsed=30, share=0.5) == 50, "the stage's own pace wins over its estimate"


def test_what_was_seen_corrects_the_estimates_of_its_kind_first():
    left = TimeLeft(
        {
            "a": Expected("fit", 100.0),
            "b": Expected("train", 20.0),
            "c": Expected("fit", 50.0),
            "d": Expected("train", 20.0),
        }
    )
    left.ended("a", 200.0)
    assert left.seconds() == 40 + 100 + 40, "all estimates were half of the truth so far"
    left.ended("b", 20.0)
    assert left.seconds() == 100 + 20, "trainings take as long as estimated, generators twice as long"


def test_stages_without_an_estimate_take_as_long_as_their_like():
    left = TimeLeft({"a": Expected("features"), "b": Expected("features"), "c": Expected("score")})
    assert left.seconds() is None
    left.ended("a", 8.0)
    assert left.seconds() == 16, "a score is not known, and taken for as long as what is"
    left.skipped("b")
    left.skipped("c")
    left.skipped("unknown")
    assert left.seconds() == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (40, "40 s"), (89, "89 s"), (600, "10 min"), (9000, "2.5 h"), (2e5, "2.3 d")]
)
def test_a_duration_in_the_unit_that_fits(seconds, text):
    assert about(seconds) == text


def test_one_long_training_says_nothing_of_stages_that_nothing_is_known_of():
    known = {"a": Expected("fit", 600.0), "b": Expected("train", 10.0), "c": Expected("predict", 5.0)}
    assert TimeLeft({**known, "d": Expected("features"), "e": Expected("score")}).seconds() == 615 + 2 * 10
