"""Scores of a test set over several trainings."""

import numpy as np
import pytest

from bench.analysis.estimate import Counts, Estimate, Resampled
from bench.analysis.test_scores import over_repeats, read_rows
from bench.segscores import image_scores, limits
from bench.text import csv_text


def table(level, truths):
    """Rows of maps of one level everywhere."""
    rows = [image_scores(np.full(truth.shape, level, np.uint8), truth) for truth in truths]
    return [{"id": f"i{at}", "group": "", **row} for at, row in enumerate(rows)]


def halves(count):
    truth = np.zeros((10, 10), np.uint8)
    truth[:5] = 1
    return [truth] * count


def test_ids_come_back_as_they_were_written(tmp_path):
    """Guarded against spreadsheets in the file, equal to the images' own when read."""
    ids = ["=a", "-b", "'c", "-1", "d"]
    (tmp_path / "rows.csv").write_text(csv_text(["id", "tp"], [[name, -1] for name in ids]))
    rows = read_rows(tmp_path / "rows.csv")
    assert [row["id"] for row in rows] == ids
    assert {row["tp"] for row in rows} == {"-1"}


def test_trainings_are_scored_one_by_one():
    """One too sure and one too unsure by as much: both are off, and so is their mean."""
    one = over_repeats([table(138, halves(3)), table(117, halves(3))], seed=0)
    place = ("ece-pooled", "")
    assert one.values(place) == pytest.approx([(138 - 127.5) / 255, (127.5 - 117) / 255])
    assert one.value(place) == pytest.approx(10.5 / 255)
    assert one.at(place).sd == pytest.approx(0)


def test_every_score_lies_within_its_interval():
    rng = np.random.default_rng(0)
    truths = [(rng.random((12, 12)) < share).astype(np.uint8) for share in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]
    rows = [image_scores((rng.random((12, 12)) * 155 + 100 * truth).astype(np.uint8), truth) for truth in truths]
    one = over_repeats([[{"id": "", "group": "", **row} for row in rows]], seed=0)
    for place in one.readings:
        found = one.estimate(place)
        assert found.low <= found.value <= found.high, place


def test_a_single_group_has_no_interval():
    rows = [{**row, "group": "video"} for row in table(200, halves(4))]
    assert over_repeats([rows], seed=0).estimate(("dice@0.5", "")).low is None


def test_a_score_of_one_group_has_no_interval_in_a_set_of_several():
    """All lesions are of one video: drawing it again tells nothing of another."""
    empty = np.zeros((10, 10), np.uint8)
    rows = table(200, [*halves(3), empty, empty, empty])
    for at, row in enumerate(rows):
        row["group"] = "video" if at < 3 else ""
    one = over_repeats([rows], seed=0)
    assert one.counts(("recall@0.5", "")).clusters == 1
    assert one.estimate(("recall@0.5", "")).bounds is None
    assert one.counts(("dice@0.5", "")).clusters == 4
    assert one.estimate(("dice@0.5", "")).bounds is not None


def test_draws_in_which_a_score_is_not_defined_are_left_out():
    def estimate(*draws):
        counts = Counts(images=3, clusters=3)
        return Resampled(by_repeat=np.array([0.5]), draws=np.array([draws]), counts=counts).estimate

    assert estimate(np.nan, 0.4, 0.4) == Estimate(0.5, 0.4, 0.4)
    assert estimate(np.nan, np.nan) == Estimate(0.5)


def test_no_interval_goes_beyond_what_a_score_can_be():
    """Student's t of two repeats is wide; a Dice is a share all the same, and a distance has no upper end."""
    counts, draws = Counts(images=3, clusters=3), np.tile([0.4, 0.5, 0.6, 0.5], (2, 1))

    def bounds(name):
        spread = np.array([0.3, 0.7])[:, None] + draws - 0.5
        return Resampled(by_repeat=spread.mean(1), draws=spread, counts=counts, limits=limits(name)).estimate.bounds

    assert bounds("dice@0.5") == (0, 1)
    assert bounds("hd95")[0] == 0
    assert bounds("hd95")[1] > 1
