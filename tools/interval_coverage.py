"""How often the interval of a verdict covers the true difference: `python tools/interval_coverage.py` prints a table.

Differences are simulated as Dice has them: skewed over images, alike within groups, with an effect of the repeat and
one of the image in the repeat. A trial of several repeats is about the mean over all generators that could be trained;
of a single one, about that one.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator

import numpy as np

from bench.stats.bootstrap import draw_weights
from bench.stats.confidence import crossed
from bench.stats.student import widened

REPEATS = (1, 3, 5, 10)
DESIGNS = ((20, 5), (20, 20), (100, 5), (100, 25), (100, 100), (800, 5), (800, 25), (800, 800))
"""Test images, and the groups they lie in."""
SPREADS = {"no effect of the repeat": 0.0, "0.01": 0.01, "0.03": 0.03}
IMAGE, BOTH, DRAWS = 0.1, 0.1, 400


def main() -> None:
    """Print the table; more trials take longer and tell more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    trials = parser.parse_args().trials
    heads = ["test images", "groups", *(f"{count} repeat{'s' * (count > 1)}" for count in REPEATS)]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for images, groups in DESIGNS:
        cells = [" / ".join(f"{100 * one:.0f}" for one in covered(images, groups, count, trials)) for count in REPEATS]
        print(f"| {images} | {groups} | {' | '.join(cells)} |", flush=True)
    print(f"\nPer cent of {trials} trials, by the standard deviation of the repeat's effect: {', '.join(SPREADS)}")


def covered(images: int, groups: int, repeats: int, trials: int) -> Iterator[float]:
    """Share of intervals that hold the true difference, for each of SPREADS."""
    for spread in SPREADS.values():
        rng = np.random.default_rng([images, groups, repeats])
        yield float(np.mean([_hit(rng, images, groups, repeats, spread) for _ in range(trials)]))


def _hit(rng: np.random.Generator, images: int, groups: int, repeats: int, spread: float) -> bool:
    # Every group has an image, and the others fall where they fall: groups are of unequal size.
    group = np.r_[np.arange(groups), rng.integers(0, groups, images - groups)]
    effect = rng.normal(0, spread, (repeats, 1))
    shared = (rng.exponential(1, groups)[group] + rng.exponential(1, images) - 2) / math.sqrt(2)
    values = effect + IMAGE * shared + rng.normal(0, BOTH, (repeats, images))
    weights = draw_weights([f"g{one}" for one in group], int(rng.integers(2**32)), DRAWS)
    assert weights is not None
    by_repeat = values.mean(1)
    draws = widened(values @ weights.T / weights.sum(1), by_repeat[:, None], groups)
    low, high = crossed(draws, by_repeat).interval()
    return bool(low <= (effect[0, 0] if repeats == 1 else 0) <= high)


if __name__ == "__main__":
    main()
