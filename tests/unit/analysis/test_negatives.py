"""Test masks without a lesion are counted once a test set, and the fair convention stands beside the published one."""

from dataclasses import replace

import numpy as np

import bench.analysis.test_scores
from bench.analysis.negatives import empty_masks, sentence, with_fair
from bench.analysis.score_rows import ScoreRow
from bench.analysis.significance import Trained

ABOUT = ScoreRow("d", "f" * 12, "none", "real", "real", "s", "a", "mdice@256", 0.5, None, None, 9, 1, None, "demo", "",
                 "segscore/1", "higher", line="real s")  # fmt: skip


def lesions_of(*sizes):
    """A test set of masks with so many lesion pixels, half of them found."""
    found = np.array(sizes, dtype=float)
    return bench.analysis.test_scores.TestScores(({"tp": found // 2, "fn": found - found // 2},), None, {})


def test_masks_of_a_test_set_count_once_however_many_lines_were_tested_on_it():
    one = Trained(ABOUT, {"test/a": lesions_of(5, 0, 1), "test/b": lesions_of(0, 0)})
    other = Trained(replace(ABOUT, row="real+g"), {"test/a": lesions_of(5, 0, 1)})
    assert empty_masks([one, other]) == (3, 5)
    assert empty_masks([one, replace(other, about=replace(ABOUT, data="e" * 12))]) == (4, 8)
    assert empty_masks([Trained(ABOUT, {"test/a": lesions_of(5, 1)})]) == (0, 2)
    assert sentence(3, 5).startswith("3 of 5 test masks have no lesion")


def test_the_fair_convention_stands_beside_the_published_one():
    for columns, wanted in (
        (["mdice@256", "miou@256"], ["mdice@256", "dice@0.5", "miou@256"]),
        (["iou@0.5", "dice@0.5", "mdice@256"], ["iou@0.5", "mdice@256", "dice@0.5"]),
        (["iou@0.5"], ["iou@0.5"]),
    ):
        assert with_fair({"columns": columns, "seed": 3}) == {"columns": wanted, "seed": 3}
