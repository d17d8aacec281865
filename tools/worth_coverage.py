"""How often the interval of a worth covers the true one: `python tools/worth_coverage.py` prints a table.

Networks are simulated on a power law of the real pairs, as segmentation has it, with an effect of each training, an
image's difficulty that all share, and one of the image under each training set. The row's true place on the curve is
given: at the pairs it was added to (worth 0), between points, and at the curve's end, as `held-out` has it.
"""

from __future__ import annotations

import argparse

import numpy as np

from bench.analysis.estimate import Counts, Resampled
from bench.analysis.worth import ABOVE, BELOW, Span, read_off
from bench.stats.bootstrap import draw_weights
from bench.stats.student import widened

IMAGES = (72, 145, 362, 725, 1088, 1450)
REAL = 362
"""Pairs that the row was added to."""
PLACES = {"worth 0": 362, "between points": 571, "at a point": 725, "the curve's end": 1450}
REPEATS = (1, 3, 5, 10)
DESIGNS = ((100, 25), (800, 800))
"""Test images, and the groups they lie in."""
SPREADS = (0.0, 0.005, 0.02)
"""Standard deviations of a training's effect."""
IMAGE, BOTH, DRAWS = 0.1, 0.05, 200


def main() -> None:
    """Print the table; more trials take longer and tell more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    trials = parser.parse_args().trials
    heads = ["test images", "groups", "true place", *(f"{count} repeat{'s' * (count > 1)}" for count in REPEATS)]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for images, groups in DESIGNS:
        for name, place in PLACES.items():
            cells = [
                " / ".join(f"{100 * covered(trials, images, groups, count, place, spread=one):.0f}" for one in SPREADS)
                for count in REPEATS
            ]
            print(f"| {images} | {groups} | {name} | {' | '.join(cells)} |", flush=True)
    print(f"\nPer cent of {trials} trials, by the standard deviation of a training's effect: {SPREADS}")


def score(pairs: float | np.ndarray) -> np.ndarray:
    """The true curve: Dice of a network by its real pairs."""
    return np.asarray(0.88 - 0.9 * np.asarray(pairs, dtype=np.float64) ** -0.45)


def covered(trials: int, images: int, groups: int, repeats: int, place: float, *, spread: float) -> float:
    """Share of the intervals that hold the true place; `spread`: of a training's effect."""
    rng = np.random.default_rng([images, groups, repeats, int(place)])
    return float(np.mean([_hit(rng, images, groups, repeats, place, spread=spread) for _ in range(trials)]))


def _hit(rng: np.random.Generator, images: int, groups: int, repeats: int, place: float, *, spread: float) -> bool:
    truth = np.array([*score(np.array(IMAGES)), score(place)])
    effect = rng.normal(0, spread, (len(truth), repeats))
    if repeats == 1:
        # A single repeat speaks of the networks that were trained, whatever others would have scored.
        effect[:] = 0
    group = np.r_[np.arange(groups), rng.integers(0, groups, images - groups)]
    shared = rng.exponential(1, groups)[group] + rng.exponential(1, images) - 2
    of_set = rng.normal(0, BOTH, (len(truth), 1, groups))[:, :, group]
    noise = IMAGE * shared + of_set + rng.normal(0, BOTH, (len(truth), repeats, images))
    values = truth[:, None, None] + effect[:, :, None] + noise
    weights = draw_weights([f"g{one}" for one in group], int(rng.integers(2**32)), DRAWS)
    assert weights is not None
    gaps = [_resampled(one - values[-1], weights, groups) for one in values[:-1]]
    _, span = read_off(gaps, IMAGES, REAL, seed=int(rng.integers(2**32)))
    return span is not None and holds(span, place)


def _resampled(values: np.ndarray, weights: np.ndarray, groups: int) -> Resampled:
    by_repeat = values.mean(1)
    draws = widened(values @ weights.T / weights.sum(1), by_repeat[:, None], groups)
    return Resampled(by_repeat=by_repeat, draws=draws, counts=Counts(images=values.shape[1], clusters=groups))


def holds(span: Span, images: float) -> bool:
    """Whether so many images lie within it; an end that is a bound is open."""
    low, high = span
    return (
        (low.bound == BELOW or low.value <= images)
        and low.bound != ABOVE
        and (high.bound == ABOVE or images <= high.value)
        and high.bound != BELOW
    )


if __name__ == "__main__":
    main()
