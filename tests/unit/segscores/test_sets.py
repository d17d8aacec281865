"""A set's scores from its images' rows: which are there, over which images, in which thirds."""

import numpy as np
import pytest

from bench.data.lesion_size import NAMES as THIRDS
from bench.segscores import (
    COUNTS,
    GAPS,
    METRICS,
    NAMES,
    PER_IMAGE,
    SHAPE,
    as_columns,
    better,
    image_scores,
    missing,
    readings,
    score_folder,
)
from tests.conftest import refused


def squares(sizes, found=1.0):
    """A row for a lesion of so many rows of a 10 x 10 image, of which the first share is found."""
    rows = []
    for size in sizes:
        truth = np.zeros((10, 10), np.uint8)
        truth[:size] = 1
        prob = np.zeros((10, 10), np.uint8)
        prob[: round(size * found)] = 255
        rows.append(image_scores(prob, truth))
    return rows


def by_place(columns):
    return {(one.metric, one.stratum): one for one in readings(columns)}


def value(one, columns):
    return one.of(columns, np.ones((1, len(columns["tp"]))))[0]


def test_every_score_has_a_name_a_direction_and_a_line_that_says_how_it_is_made():
    assert set(PER_IMAGE) | set(SHAPE) <= set(METRICS)
    assert {name for name in METRICS if better(name) == "lower"} == {"mae", "hd95", "ece-pooled"}
    assert all(one.meaning and len(one.meaning) <= 75 for one in NAMES.values())
    assert better("a score of another version") == "higher"


def test_recall_within_thirds_of_lesion_size():
    """Half of the small, all of the medium and large ones are found."""
    columns = as_columns([*squares([2, 2], found=0.5), *squares([4, 4, 6, 6])])
    places = by_place(columns)
    recall = {third: value(places["recall@0.5", third], columns) for third in ("", *THIRDS)}
    assert recall == pytest.approx({"": 5 / 6, THIRDS[0]: 0.5, THIRDS[1]: 1.0, THIRDS[2]: 1.0})
    assert [places["recall@0.5", third].n for third in THIRDS] == [2, 2, 2]
    # A third of the way from the second size (20 %) to the third (40 %), six values in order.
    assert places["recall@0.5", THIRDS[0]].note.startswith("lesion up to 33.33% of the image")


def test_thirds_are_bounded_by_masks_that_have_a_lesion():
    """Empty masks have no recall, and must not make every lesion a large one."""
    columns = as_columns([*squares([0] * 6), *squares([2, 4, 6])])
    places = by_place(columns)
    assert places["recall@0.5", ""].n == 3
    assert [places["recall@0.5", third].n for third in THIRDS] == [1, 1, 1]
    assert value(places["recall@0.5", ""], columns) == 1.0
    assert places["dice@0.5", ""].n == 9


def test_without_any_lesion_there_is_no_recall():
    places = by_place(as_columns(squares([0, 0])))
    assert ("recall@0.5", "") not in places
    assert ("dice@0.5-pooled", "") in places


def test_lesions_of_one_size_are_one_third():
    assert [stratum for _, stratum in by_place(as_columns(squares([3, 3, 3]))) if stratum] == [THIRDS[0]]


def test_a_draw_without_any_lesion_has_no_recall():
    columns = as_columns([*squares([0]), *squares([2, 4])])
    drawn = by_place(columns)["recall@0.5", ""].of(columns, np.array([[3.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    assert np.isnan(drawn[0])
    assert drawn[1] == 1.0


def test_records_of_before_tell_what_they_hold():
    """Neither shape nor calibration nor anything added since."""
    old = ("mdice@256", "miou@256", "dice@0.5", "iou@0.5", *COUNTS)
    columns = as_columns([{name: row[name] for name in old} for row in squares([2, 4])])
    pooled = tuple(name for name, one in NAMES.items() if one.kind == "counts")
    assert {metric for metric, _ in by_place(columns)} == {*old[:4], *pooled}


def test_scores_come_in_the_order_of_their_names():
    rows = [{**row, **dict.fromkeys(SHAPE, 0.5)} for row in squares([2, 4, 6])]
    assert list(dict.fromkeys(metric for metric, _ in by_place(as_columns(rows)))) == list(METRICS)


def test_what_scores_of_shape_lack_is_told_by_its_name(monkeypatch, tmp_path):
    """Before the first map is opened."""
    monkeypatch.setattr("bench.segscores.shape.find_spec", lambda _: None)
    assert missing() == [
        f"package {name}, which the scores of shape need: pip install {name}" for name in ("pysodmetrics", "monai")
    ]
    refused(lambda: score_folder((), tmp_path, shape=True), "pip install pysodmetrics")


def test_gaps_are_whole_numbers_that_add_up_to_the_excess_of_probability():
    rng = np.random.default_rng(0)
    prob, truth = rng.integers(0, 256, (9, 9)).astype(np.uint8), (rng.random((9, 9)) < 0.3).astype(np.uint8)
    row = image_scores(prob, truth)
    assert all(isinstance(row[name], int) for name in GAPS)
    assert sum(row[name] for name in GAPS) == int(prob.sum()) - 255 * int(truth.sum())
