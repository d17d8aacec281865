"""Test masks without a lesion are counted once a test set, and the fair convention stands beside the published one."""

import numpy as np

import bench.analysis.test_scores
from bench.analysis.negatives import empty_masks, sentence, with_fair
from bench.analysis.score_rows import ScoredRow
from tests.score_examples import trained_row


def lesions_of(*sizes):
    """A test set of masks with so many lesion pixels, half of them found."""
    found = np.array(sizes, dtype=float)
    return bench.analysis.test_scores.TestScores(repeats=({"tp": found // 2, "fn": found - found // 2},))


def test_masks_of_a_test_set_count_once_however_many_rows_were_tested_on_it():
    one = ScoredRow(trained_row(), {"test/a": lesions_of(5, 0, 1), "test/b": lesions_of(0, 0)})
    tests = {"test/a": lesions_of(5, 0, 1)}
    assert empty_masks([one, ScoredRow(trained_row("real+g"), tests)]) == (3, 5)
    assert empty_masks([one, ScoredRow(trained_row("real+g", data="e" * 12), tests)]) == (4, 8)
    assert empty_masks([ScoredRow(trained_row(), {"test/a": lesions_of(5, 1)})]) == (0, 2)
    assert sentence(3, 5).startswith("3 of 5 test masks have no lesion")


def test_the_fair_convention_stands_beside_the_published_one():
    for columns, wanted in (
        (["mdice@256", "miou@256"], ["mdice@256", "dice@0.5", "miou@256"]),
        (["iou@0.5", "dice@0.5", "mdice@256"], ["iou@0.5", "mdice@256", "dice@0.5"]),
        (["iou@0.5"], ["iou@0.5"]),
    ):
        assert with_fair(columns) == tuple(wanted)
