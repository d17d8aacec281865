"""Scoring maps against the literal loop over 256 thresholds, and against decoding them, in one run."""

import time
from statistics import median

import numpy as np
import pytest
from PIL import Image, ImageFilter

from bench.images import load_grey, load_mask, save_png
from bench.segscores import image_scores, shape_scores
from tests.golden.literal_segscores import literal_scores

PROTOCOL = 798
"""Images of the five polyp test sets."""


def write_pairs(folder, count, size):
    """Soft maps with noise, as networks leave them, of discs; paths of map and mask."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] / size
    pairs = []
    for index in range(count):
        cy, cx, radius = rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7), rng.uniform(0.05, 0.3)
        truth = ((y - cy) ** 2 + (x - cx) ** 2 < radius**2).astype(np.uint8) * 255
        soft = np.asarray(Image.fromarray(truth).filter(ImageFilter.GaussianBlur(size / 60)))
        prob = (soft * 0.9 + rng.random((size, size)) * 10).astype(np.uint8)
        paths = folder / f"{index}-map.png", folder / f"{index}-mask.png"
        save_png(paths[0], prob)
        save_png(paths[1], truth)
        pairs.append(paths)
    return pairs


def timed(function, items):
    """Results, and processor seconds of each: other work on the machine does not count."""
    results, seconds = [], []
    for item in items:
        started = time.process_time()
        results.append(function(*item))
        seconds.append(time.process_time() - started)
    return results, seconds


def decode(prob, truth):
    return load_grey(prob), load_mask(truth)


def compare(paths, record):
    """Decode, score all that is always scored, and go through the thresholds: times and scores of the same maps."""
    images, decoding = timed(decode, paths)
    scores, scoring = timed(image_scores, images)
    twins, looping = timed(literal_scores, images)
    for ours, (dice, iou) in zip(scores, twins, strict=True):
        assert ours["mdice@256"] == pytest.approx(dice, abs=1e-12)
        assert ours["miou@256"] == pytest.approx(iou, abs=1e-12)
    record["images"] = len(images)
    record["seconds"] = {"decoding": sum(decoding), "scoring": sum(scoring), "literal": sum(looping)}
    record["times_faster_than_literal"] = round(sum(looping) / sum(scoring), 1)
    record["share_of_decoding"] = round(sum(scoring) / sum(decoding), 2)
    assert sum(looping) >= 50 * sum(scoring)
    assert sum(scoring) < sum(decoding)


@pytest.mark.benchmark(group="segscores")
def test_one_histogram_is_50_times_faster_than_256_passes(benchmark, tmp_path):
    """And costs less than decoding; 24 images of 352 px."""
    paths = write_pairs(tmp_path, 24, 352)
    images = [decode(*pair) for pair in paths]
    benchmark.pedantic(lambda: [image_scores(*image) for image in images], rounds=5, warmup_rounds=1)
    compare(paths, benchmark.extra_info)


@pytest.mark.slow
@pytest.mark.benchmark(group="segscores")
def test_the_whole_protocol(benchmark, tmp_path):
    """798 images of 352 px, literal loop and all."""
    paths = write_pairs(tmp_path, PROTOCOL, 352)
    benchmark.pedantic(lambda: [image_scores(*decode(*pair)) for pair in paths], rounds=1)
    compare(paths, benchmark.extra_info)


@pytest.mark.benchmark(group="segscores")
@pytest.mark.parametrize("size", [256, 352])
def test_what_each_kind_of_score_costs(benchmark, tmp_path, size):
    """Scores of shape cost many times what all the others do: that is why they are asked for."""
    pytest.importorskip("py_sod_metrics")
    pytest.importorskip("monai")
    images = [decode(*pair) for pair in write_pairs(tmp_path, 8, size)]
    shape_scores(*images[0])
    benchmark.pedantic(lambda: [image_scores(*image) for image in images], rounds=5, warmup_rounds=1)
    always, shaped = (median(timed(score, images)[1]) for score in (image_scores, shape_scores))
    benchmark.extra_info["milliseconds"] = {"always": round(always * 1e3, 2), "shape": round(shaped * 1e3, 2)}
    assert shaped > 5 * always
