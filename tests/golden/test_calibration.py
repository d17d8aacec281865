"""Calibration error: pixel by pixel, of maps that are calibrated and of maps that are not, and its interval."""

import numpy as np
import pytest

from bench.segscores import GAPS, aggregate, as_columns, image_scores, readings
from bench.stats.bootstrap import bounds, draw_weights
from tests.golden.literal_segscores import literal_calibration


def error(columns, weights):
    return aggregate(columns, "ece-pooled", weights)


def of(probs, truths):
    columns = as_columns([image_scores(*pair) for pair in zip(probs, truths, strict=True)])
    return error(columns, np.ones((1, len(probs))))[0]


def test_bins_of_all_images_are_pooled_as_in_a_loop_over_pixels():
    """Images of unequal size, every level among them, edges of bins included."""
    rng = np.random.default_rng(0)
    shapes = [(16, 16), (20, 30), (7, 9)]
    probs = [rng.integers(0, 256, shape).astype(np.uint8) for shape in shapes]
    probs[0] = np.arange(256, dtype=np.uint8).reshape(16, 16)
    truths = [(rng.random(prob.shape) < prob / 300).astype(np.uint8) for prob in probs]
    assert of(probs, truths) == pytest.approx(literal_calibration(probs, truths), abs=1e-12)


def test_calibrated_maps_have_none():
    rng = np.random.default_rng(0)
    prob = rng.integers(0, 256, (600, 600)).astype(np.uint8)
    truth = (rng.random(prob.shape) < prob / 255).astype(np.uint8)
    assert of([prob], [truth]) < 6e-3
    assert of([255 - prob], [truth]) > 0.4


def test_of_a_hard_map_it_is_the_share_of_wrong_pixels():
    truth = np.zeros((10, 10), np.uint8)
    truth[:4] = 1
    assert of([np.roll(truth, 1, axis=0) * 255], [truth]) == pytest.approx(0.2)


def test_errors_of_opposite_sign_in_one_bin_cancel_between_images():
    """So they do between the pixels of an image: a bin is right on average or not."""
    prob = np.full((10, 10), 128, np.uint8)
    none, full = np.zeros((10, 10), np.uint8), np.ones((10, 10), np.uint8)
    assert of([prob, prob], [none, full]) < 0.01
    assert of([prob], [none]) == pytest.approx(128 / 255)


def test_a_resample_is_the_set_with_images_repeated():
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(3):
        prob = rng.integers(0, 256, (12, 12)).astype(np.uint8)
        rows.append(image_scores(prob, (rng.random(prob.shape) < 0.3).astype(np.uint8)))
    drawn = error(as_columns(rows), np.array([[2.0, 0.0, 1.0]]))
    assert drawn == pytest.approx(error(as_columns([rows[0], rows[0], rows[2]]), np.ones((1, 3))))


def test_the_interval_covers_a_small_error():
    """Draws as they are would all lie above it: a resample's noise adds to a mean of absolute values."""
    rng, images, hits, plain = np.random.default_rng(0), 60, 0, 0
    for trial in range(150):
        bias = rng.normal(0, 0.003, len(GAPS))
        gaps = (bias + rng.normal(0, 0.02, (images, len(GAPS)))) * 255 * 100
        columns = {name: gaps[:, at] for at, name in enumerate(GAPS)}
        columns |= {"tp": np.full(images, 100.0), **dict.fromkeys(("fp", "fn", "tn"), np.zeros(images))}
        draws = draw_weights([""] * images, trial, 500)
        (reading,) = (one for one in readings(columns) if one.metric == "ece-pooled")
        low, high = bounds(reading.resampled(columns, draws))
        hits += low <= np.abs(bias).sum() <= high
        low, high = bounds(reading.of(columns, draws))
        plain += low <= np.abs(bias).sum() <= high
    assert hits >= 0.85 * 150
    assert plain <= 0.5 * 150
