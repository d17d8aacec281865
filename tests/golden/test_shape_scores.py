"""Scores of shape: PraNet's own numbers, a brute-force twin of the distances, and what empty maps score."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from bench.images import load_grey, load_mask
from bench.segscores import SHAPE, shape_scores
from tests.golden.literal_segscores import literal_outlines

SCORES = Path(__file__).parent / "data" / "scores"
ROWS = [row for row in csv.DictReader((SCORES / "expected.csv").open()) if row["file"] != "SET"]


@pytest.fixture(scope="module", autouse=True)
def packages():
    """Here and not above: they take seconds to import, which every process that collects the tests would spend."""
    pytest.importorskip("py_sod_metrics")
    pytest.importorskip("monai")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_each_map_scores_as_in_the_authors_matlab_code(row):
    """1e-2 for weighted F, where the nearest of several pixels may be another."""
    scores = shape_scores(load_grey(SCORES / "pred" / row["file"]), load_mask(SCORES / "gt" / row["file"]))
    assert scores["s-measure"] == pytest.approx(float(row["s_measure"]), abs=2e-3)
    assert scores["weighted-f"] == pytest.approx(float(row["weighted_f"]), abs=1e-2)


@pytest.mark.parametrize("seed", range(6))
def test_outlines_as_by_all_distances(seed):
    """Discs, one of them cut by the image's edge, and specks, in an image that is not square."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:40, :56]
    truth = (y - 20) ** 2 + (x - 8) ** 2 < 100
    found = (y - 20 - rng.integers(-4, 5)) ** 2 + (x - 10) ** 2 < rng.integers(60, 160)
    found |= rng.random(found.shape) > 0.995
    scores = shape_scores(found.astype(np.uint8) * 255, truth.astype(np.uint8))
    far, near = literal_outlines(found, truth, tolerance=2)
    assert scores["hd95"] == pytest.approx(far, abs=1e-4)
    assert scores["surface-dice@2px"] == pytest.approx(near, abs=1e-5)


def test_the_outline_is_that_of_probabilities_above_one_half():
    truth = np.zeros((16, 16), np.uint8)
    truth[4:10, 4:10] = 1
    assert shape_scores(truth * 128, truth)["hd95"] == 0
    assert shape_scores(truth * 127, truth)["hd95"] == pytest.approx(math.hypot(16, 16))


def test_empty_masks_and_empty_maps():
    """No image drops out: an outline that is not there is as far off as the image allows."""
    none, some = np.zeros((12, 16), np.uint8), np.zeros((12, 16), np.uint8)
    some[2:6, 2:8] = 1
    assert shape_scores(none, none) == {"s-measure": 1.0, "weighted-f": 0.0, "hd95": 0.0, "surface-dice@2px": 1.0}
    for prob, truth in ((none, some), (some * 255, none)):
        scores = shape_scores(prob, truth)
        assert tuple(scores) == SHAPE
        assert (scores["hd95"], scores["surface-dice@2px"]) == (20.0, 0.0)
    no_lesion = shape_scores(some * 255, none)
    assert (no_lesion["weighted-f"], no_lesion["s-measure"]) == (0.0, pytest.approx(1 - some.mean()))


def test_a_shifted_region_is_off_by_its_shift():
    truth = np.zeros((40, 40), np.uint8)
    truth[10:20, 10:20] = 1
    scores = shape_scores(np.roll(truth, 3, axis=1) * 255, truth)
    assert scores["hd95"] == 3
    assert 0 < scores["surface-dice@2px"] < 1
    assert shape_scores(np.roll(truth, 2, axis=1) * 255, truth)["surface-dice@2px"] == 1
