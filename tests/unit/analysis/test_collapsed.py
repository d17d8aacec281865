"""Trainings that came to nothing are told, whatever a mean over trainings or a stretched map says."""

import numpy as np

from bench.analysis.collapsed import collapsed
from bench.analysis.score_rows import ScoredRow
from bench.analysis.test_scores import over_repeats
from bench.segscores import image_scores
from tests.score_examples import trained_row

TRUTH = np.zeros((10, 10), np.uint8)
TRUTH[:3] = 1
SOUND, NOTHING, EVERYTHING = TRUTH * 200, np.full_like(TRUTH, 60), np.full_like(TRUTH, 200)


def row(*maps, **changes):
    """Each training writes one of `maps` for every image of two test sets."""
    tables = [[{"id": f"i{at}", "group": "", **image_scores(one, TRUTH)} for at in range(3)] for one in maps]
    tests = {test: over_repeats(tables, seed=0) for test in ("test/a", "test/b")}
    return ScoredRow(trained_row(repeats=len(maps), **changes), tests)


def test_each_training_is_looked_at_by_itself():
    (said,) = collapsed([row(SOUND, NOTHING, EVERYTHING), row(SOUND, SOUND, key="other")])
    assert said.startswith(
        "s, real: 1 of 3 trainings finds next to nothing and 1 of 3 trainings marks nearly every pixel"
    )


def test_rows_of_one_name_are_told_apart():
    """And what several runs share is told once."""
    one = row(NOTHING)
    assert len(collapsed([one, one])) == 1
    both = collapsed([one, row(NOTHING, key="other", settings="s.x=1")])
    assert ["(s.x=1)" in said for said in both] == [False, True]
