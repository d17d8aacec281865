"""Kendall's tau-b against SciPy's, and its interval against draws made one by one."""

from dataclasses import replace

import numpy as np
import pytest

from bench.analysis.estimate import Estimate
from bench.analysis.predictors import predictors
from bench.analysis.score_rows import ScoredRow, ScoredRun
from bench.analysis.test_scores import over_repeats
from bench.analysis.verdicts import verdicts
from bench.segscores import COUNTS, PER_IMAGE
from bench.stats.rank_correlation import tau_b
from tests.score_examples import set_score, trained_row

stats = pytest.importorskip("scipy.stats")

IMAGES, REPEATS, SETS = 40, 4, 8


@pytest.mark.parametrize("levels", [3, 1000])
def test_tau_is_scipys(levels):
    """With many ties and with none."""
    rng = np.random.default_rng(0)
    one, other = rng.integers(levels, size=(50, 9)), rng.integers(levels, size=(50, 9))
    expected = [stats.kendalltau(*pair).statistic for pair in zip(one, other, strict=True)]
    assert tau_b(one, other) == pytest.approx(expected, nan_ok=True)


def scored(values):
    """`values` (repeats, images)."""
    tables = [
        [
            {"id": f"i{at}", "group": "", **dict.fromkeys(PER_IMAGE, value), **dict.fromkeys(COUNTS, 5)}
            for at, value in enumerate(of_repeat)
        ]
        for of_repeat in values
    ]
    return over_repeats(tables, seed=0)


def simulated(seed=0, better="lower"):
    """Rows whose gains follow a distance of their sets, with noise: per-image scores, and the sets' measures."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(0.6, 0.1, IMAGES)
    names = ["copies", *(f"g{at}" for at in range(SETS))]
    values = {
        name: hard + 0.004 * at + rng.normal(0, 0.004, (REPEATS, 1)) + rng.normal(0, 0.03, (REPEATS, IMAGES))
        for at, name in enumerate(names)
    }
    sign = -1 if better == "lower" else 1
    measures = {name: 50 + sign * 3 * at + rng.normal(0, 2) for at, name in enumerate(names)}
    rows = [
        ScoredRow(
            trained_row(f"real+{name}", name, key=name, synthetic=(name,), repeats=REPEATS),
            {"test/a": scored(values[name])},
        )
        for name in names
    ]
    sets = [
        set_score("FD", value, value - 4, value + 4, generator=name, synthetic=(name,), better=better)
        for name, value in measures.items()
    ]
    return rows, sets, values, measures


def found_of(rows, sets):
    run = ScoredRun(columns=("mdice@256",), controls=("copies",), margin=0.01, rows=tuple(rows))
    return predictors(rows, sets, verdicts([run]), seed=0)


def literal(values, measures, sign, draws, rng):
    """Percentiles of tau over draws of images, repeats and measures, one after the other, by SciPy."""
    names = list(values)[1:]
    gaps = {name: values[name] - values["copies"] for name in names}
    found = []
    for _ in range(draws):
        images = rng.integers(0, IMAGES, IMAGES)
        normal, stretch = rng.normal(size=REPEATS), np.sqrt((REPEATS - 1) / rng.chisquare(REPEATS - 1))
        gains = []
        for name in names:
            gap = gaps[name]
            away = gap.mean(1) - gap.mean()
            over_repeats = stretch * (normal * away).sum() / np.sqrt(REPEATS * (REPEATS - 1))
            both = (
                ((gap - gap.mean(1, keepdims=True) - gap.mean(0) + gap.mean()) ** 2).sum()
                / (REPEATS - 1)
                / (IMAGES - 1)
            )
            of_images = gap.mean(0).var(ddof=1)
            share = np.sqrt(max(0, of_images - both / REPEATS) / of_images)
            gains.append(gap.mean() + share * (gap[:, images].mean() - gap.mean()) + over_repeats)
        drawn = [sign * (measures[name] + rng.normal(0, 4 / 1.959964)) for name in names]
        found.append(stats.kendalltau(drawn, gains).statistic)
    return np.quantile(found, [0.025, 0.975])


@pytest.mark.parametrize(("better", "sign"), [("lower", -1), pytest.param("higher", 1, marks=pytest.mark.slow)])
def test_the_interval_is_that_of_draws_made_one_by_one(better, sign):
    rows, sets, values, measures = simulated(better=better)
    (one,), notes = found_of(rows, sets)
    names = list(values)[1:]
    gains = [(values[name] - values["copies"]).mean() for name in names]
    expected = stats.kendalltau([sign * measures[name] for name in names], gains)
    assert (one.tau.value, one.p_chance) == pytest.approx((expected.statistic, expected.pvalue))
    assert one.tau.value > 0.4, "the better set has the larger gain, whichever way its measure is better"
    low, high = literal(values, measures, sign, 800, np.random.default_rng(1))
    # tau of 8 rows goes in steps of 1/14.
    assert (one.tau.low, one.tau.high) == pytest.approx((low, high), abs=0.075)
    assert notes == []


def test_a_measure_less_sure_makes_a_wider_interval():
    rows, sets, _, _ = simulated()
    bare = [replace(one, estimate=Estimate(one.value)) for one in sets]
    wide = [replace(one, estimate=Estimate(one.value, one.value - 30, one.value + 30)) for one in sets]
    ((sure,), _), ((unsure,), _) = found_of(rows, bare), found_of(rows, wide)
    assert (sure.unsure, unsure.unsure) == (SETS, 0)
    assert sure.tau.value == unsure.tau.value
    assert sure.tau.high - sure.tau.low < unsure.tau.high - unsure.tau.low


def test_of_few_rows_nothing_is_told_but_why():
    rows, sets, _, _ = simulated()
    found, (note,) = found_of(rows[:6], sets)
    assert found == []
    assert "not of 5" in note
