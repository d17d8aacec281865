"""Where noise comes from: what a design can tell apart, and what it says that it cannot."""

from dataclasses import replace

import numpy as np
import pytest

from bench.analysis.components import ALL, BOTH, IMAGES, components, told_apart
from bench.analysis.estimate import Counts, Resampled
from bench.analysis.verdicts import Verdict
from bench.report.components_table import component_records
from bench.stats.bootstrap import draw_weights
from tests.score_examples import trained_row

REPEATS, N = 400, 60
"""Far more repeats than anyone has: the parts are then known."""
WEIGHTS = draw_weights([""] * N, 0, 500)


def verdict(name, varied, sd, seed=0, repeats=REPEATS):
    """A difference whose repeats vary by `sd`, its images by 0.1, and each image in each repeat by 0.2."""
    rng = np.random.default_rng(seed)
    values = 0.02 + rng.normal(0, sd, (repeats, 1)) + rng.normal(0, 0.1, N) + rng.normal(0, 0.2, (repeats, N))
    number = Resampled(by_repeat=values.mean(1), draws=values @ WEIGHTS.T / N, counts=Counts(images=N, clusters=N))
    return Verdict(
        generator=name,
        training=trained_row(name, name, repeats=repeats, varied=varied).training,
        baseline="real+copies",
        baseline_pairs=None,
        baseline_varied=tuple(one for one in varied if one == "segmenter"),
        test_set="overall",
        metric="mdice@256",
        number=number,
        margin=0.01,
        comparisons=1,
    )


def sds(parts):
    return {part.name: part.sd for part in parts}


def test_what_a_generator_adds_is_more_than_rows_without_one_vary():
    found = components(
        [verdict("real", ("segmenter",), 0.03), verdict("real+g", ("generator", "sample", "segmenter"), 0.05, seed=1)]
    )
    alone, whole = map(sds, found)
    assert list(alone) == ["segmentation training", IMAGES, BOTH]
    assert alone["segmentation training"] == pytest.approx(0.03, rel=0.15)
    assert list(whole) == ["generator training + sampling", "segmentation training", IMAGES, BOTH]
    assert whole["generator training + sampling"] == pytest.approx(0.04, rel=0.2)
    assert whole["segmentation training"] == alone["segmentation training"]
    assert whole[IMAGES] == pytest.approx(0.1 / N**0.5, rel=0.3)
    assert whole[BOTH] == pytest.approx(0.2 / N**0.5, rel=0.15)
    assert [line for line in told_apart(found) if "--vary sample segmenter" in line]


def test_with_the_generator_trained_once_the_rest_is_the_sample():
    found = components(
        [verdict("real", ("segmenter",), 0.03), verdict("real+g", ("sample", "segmenter"), 0.05, seed=1)]
    )
    assert list(sds(found[1]))[:2] == ["sampling", "segmentation training"]
    assert told_apart(found) == []


def test_without_a_row_of_training_alone_the_sources_stay_one_component():
    found = components([verdict("real+g", ("sample", "segmenter"), 0.05)])
    assert list(sds(found[0])) == ["sampling + segmentation training", IMAGES, BOTH]
    assert "not told apart" in " ".join(told_apart(found))


def test_what_the_generator_seems_to_take_away_is_shown_as_0():
    found = components(
        [verdict("real", ("segmenter",), 0.05), verdict("real+g", ("sample", "segmenter"), 0.02, seed=1)]
    )
    assert sds(found[1])["sampling"] == 0


def test_a_single_repeat_has_the_images_alone_and_says_so():
    found = components([verdict("real+g", (), 0.05, repeats=1)])
    assert list(sds(found[0])) == [IMAGES]
    assert "1 repeat" in " ".join(told_apart(found))


def test_repeats_and_images_shrink_what_they_can():
    records = {one["component"]: one for one in component_records(components([verdict("real", ("segmenter",), 0.03)]))}
    halved = {
        name: (one["error"] / one["error_twice_repeats"], one["error"] / one["error_twice_images"])
        for name, one in records.items()
    }
    assert halved["segmentation training"] == pytest.approx((2**0.5, 1))
    assert halved[IMAGES] == pytest.approx((1, 2**0.5))
    assert halved[BOTH] == pytest.approx((2**0.5, 2**0.5))
    assert sum(one["share"] for name, one in records.items() if name != ALL) == pytest.approx(1)
    parts = [one["error"] for name, one in records.items() if name != ALL]
    assert records[ALL]["error"] == pytest.approx(np.hypot.reduce(parts))


def test_rows_that_differ_in_nothing_have_no_noise_to_part():
    one = verdict("real", ("segmenter",), 0.03)
    number = replace(one.number, by_repeat=np.zeros(REPEATS), draws=np.zeros_like(one.number.draws))
    assert components([replace(one, number=number)]) == []
