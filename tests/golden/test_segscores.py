"""The vectorised scores equal a literal loop over 256 thresholds, and PraNet's own code."""

import csv
from pathlib import Path

import numpy as np
import pytest

from bench.contracts import Sample
from bench.errors import BenchError
from bench.images import load_grey, load_mask, save_png
from bench.segscores import aggregate, as_columns, image_scores, readings, score_folder
from bench.segscores.stretched import THRESHOLDS, stretched_levels, threshold_counts
from bench.segscores.tally import tally
from tests.golden.literal_segscores import literal_alignment, literal_scores, stretched

SCORES = Path(__file__).parent / "data" / "scores"


def expected():
    with (SCORES / "expected.csv").open() as stream:
        return list(csv.DictReader(stream))


def maps(rng, kind, shape=(40, 56)):
    soft = rng.random(shape) * np.hanning(shape[0])[:, None] * np.hanning(shape[1])
    return {
        "soft": (soft * 255).astype(np.uint8),
        "hard": ((soft > 0.2) * 255).astype(np.uint8),
        "low": (soft * 60 + 30).astype(np.uint8),
        "constant": np.full(shape, 90, np.uint8),
        "empty": np.zeros(shape, np.uint8),
        "full": np.full(shape, 255, np.uint8),
    }[kind]


@pytest.mark.parametrize("kind", ["soft", "hard", "low", "constant", "empty", "full"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_one_histogram_equals_256_passes(kind, share):
    rng = np.random.default_rng(1)
    prob, truth = maps(rng, kind), (rng.random((40, 56)) < share).astype(np.uint8)
    scores = image_scores(prob, truth)
    dice, iou = literal_scores(prob, truth)
    assert scores["mdice@256"] == pytest.approx(dice, abs=1e-12)
    assert scores["miou@256"] == pytest.approx(iou, abs=1e-12)
    assert scores["e-measure@256"] == pytest.approx(literal_alignment(prob, truth), abs=1e-12)
    assert scores["mae"] == pytest.approx(np.abs(stretched(prob) - truth).mean(), abs=1e-12)


@pytest.mark.parametrize("row", [row for row in expected() if row["file"] != "SET"], ids=lambda row: row["file"])
def test_each_map_scores_as_in_pranets_matlab_code(row):
    """2e-3: whether a level equals a threshold is decided by rounding."""
    prob, truth = load_grey(SCORES / "pred" / row["file"]), load_mask(SCORES / "gt" / row["file"])
    scores = image_scores(prob, truth)
    assert scores["mdice@256"] == pytest.approx(float(row["mean_dice"]), abs=2e-3)
    assert scores["miou@256"] == pytest.approx(float(row["mean_iou"]), abs=2e-3)
    assert scores["e-measure@256"] == pytest.approx(float(row["mean_e"]), abs=2e-3)
    assert scores["mae"] == pytest.approx(float(row["mae"]), abs=2e-3)
    seen = tally(prob, truth)
    curve = threshold_counts(seen, stretched_levels(seen.total))
    assert (curve.hit / curve.lesion).mean() == pytest.approx(float(row["mean_sensitivity"]), abs=2e-3)


def test_the_set_scores_as_in_pranets_matlab_code():
    samples = tuple(Sample(id=p.stem, image=p, mask=p) for p in sorted((SCORES / "gt").glob("*.png")))
    rows = score_folder(samples, SCORES / "pred")
    whole = next(row for row in expected() if row["file"] == "SET")
    ones = np.ones((1, len(rows)))
    for name, column in (("mdice@256", "mean_dice"), ("miou@256", "mean_iou"), ("e-measure@256", "mean_e")):
        assert aggregate(as_columns(rows), name, ones)[0] == pytest.approx(float(whole[column]), abs=2e-3)


def test_a_perfect_hard_map_has_the_known_score_below_one():
    truth = np.zeros((32, 32), np.uint8)
    truth[8:16, 8:24] = 1
    share = truth.mean()
    scores = image_scores(truth * 255, truth)
    assert scores["mdice@256"] == pytest.approx((255 + 2 * share / (1 + share)) / 256, abs=1e-12)
    assert scores["dice@0.5"] == 1.0


def test_pooled_and_two_class_scores_by_hand():
    """One image half right, one wholly wrong: counts are summed before the ratio is taken."""
    rows = [{"tp": 2, "fp": 2, "fn": 0, "tn": 12}, {"tp": 0, "fp": 0, "fn": 4, "tn": 12}]
    columns = {name: np.array([float(row[name]) for row in rows]) for name in ("tp", "fp", "fn", "tn")}
    one = np.ones((1, 2))
    assert aggregate(columns, "dice@0.5-pooled", one)[0] == pytest.approx(4 / 10)
    assert aggregate(columns, "iou@0.5-pooled", one)[0] == pytest.approx(2 / 8)
    assert aggregate(columns, "mdice@0.5-two-class", one)[0] == pytest.approx((4 / 10 + 48 / 54) / 2)
    assert aggregate(columns, "miou@0.5-two-class", one)[0] == pytest.approx((2 / 8 + 24 / 30) / 2)


def test_conventions_disagree_so_their_names_matter():
    truth = np.zeros((32, 32), np.uint8)
    truth[8:16, 8:24] = 1
    prob = np.where(truth == 1, 140, 60).astype(np.uint8)
    columns = as_columns([image_scores(prob, truth)])
    values = {one.metric: round(float(one.of(columns, np.ones((1, 1)))[0]), 6) for one in readings(columns)}
    assert values["mdice@256"] < values["dice@0.5"] == 1.0


def test_empty_masks_and_empty_maps():
    """The rules written above the scores' package."""
    none, some = np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8)
    some[2:4, 2:6] = 1
    both, no_lesion, not_found = image_scores(none, none), image_scores(some * 255, none), image_scores(none, some)
    assert [both[name] for name in ("mdice@256", "dice@0.5", "iou@0.5", "mae")] == [0.0, 1.0, 1.0, 0.0]
    assert [no_lesion[name] for name in ("mdice@256", "dice@0.5", "iou@0.5", "mae")] == [0.0, 0.0, 0.0, 0.125]
    assert [not_found[name] for name in ("dice@0.5", "iou@0.5", "recall@0.5", "mae")] == [0.0, 0.0, 0.0, 0.125]
    assert not_found["mdice@256"] == pytest.approx(2 * 8 / (64 + 8) / 256)
    assert np.isnan(both["recall@0.5"])
    assert np.isnan(no_lesion["recall@0.5"])
    assert both["e-measure@256"] == pytest.approx(255 / 256 * 64 / 63)


def test_thresholds_run_from_one_to_zero():
    assert (THRESHOLDS[0], THRESHOLDS[-1], len(THRESHOLDS)) == (1.0, 0.0, 256)


def test_a_missing_or_misshapen_map_is_named(tmp_path):
    save_png(tmp_path / "masks" / "a.png", np.full((8, 8), 255, np.uint8))
    samples = (Sample(id="a", image=tmp_path / "masks" / "a.png", mask=tmp_path / "masks" / "a.png"),)
    with pytest.raises(BenchError, match=r"a\.png: no such image"):
        score_folder(samples, tmp_path / "maps")
    save_png(tmp_path / "maps" / "a.png", np.zeros((4, 8), np.uint8))
    with pytest.raises(BenchError, match="differ in size"):
        score_folder(samples, tmp_path / "maps")
