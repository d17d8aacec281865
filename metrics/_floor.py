"""The floor of a distribution metric: what it says of two halves of the real set."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bench.contracts import Floor, ImageSet
from metrics._parts import groups_of

SPLITS = 10
LEAST = 3

Values = Mapping[str, float]


def floors(
    measure: Callable[[np.ndarray, np.ndarray], Values],
    real: ImageSet,
    fake: ImageSet,
    seed: int,
    splits: int = SPLITS,
    least: int = LEAST,
) -> dict[str, Floor]:
    """A floor for each value that `measure` gives of two feature arrays (n, d), the first in the real set's place.

    Halves hold whole groups and are cut to n images each, n the smaller half and no more than the synthetic set; beside
    it stands the mean of the same half against n synthetic images. Empty when a half would have fewer than `least`.
    """
    assert real.features is not None
    assert fake.features is not None
    rng = np.random.default_rng(seed)
    halves = [_halves(groups_of(real), rng) for _ in range(splits)]
    n = min(len(fake.features), *(len(half) for pair in halves for half in pair))
    if n < least:
        return {}
    within, across = [], []
    for one, other in halves:
        ours, theirs = real.features[np.sort(one[:n])], real.features[np.sort(other[:n])]
        within.append(measure(ours, theirs))
        across.append(measure(ours, fake.features[np.sort(rng.permutation(len(fake.features))[:n])]))
    by_name = {}
    for name in within[0]:
        values = np.array([one[name] for one in within])
        sd, at_n = float(values.std(ddof=1)), float(np.mean([one[name] for one in across]))
        by_name[name] = Floor(value=float(values.mean()), sd=sd, n=n, splits=len(values), at_n=at_n)
    return by_name


def _halves(of_group: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of two halves, each in random order: whole groups in random order go to the emptier half."""
    sizes = np.bincount(of_group)
    filled, side = [0, 0], np.empty(len(sizes), dtype=int)
    for group in rng.permutation(len(sizes)):
        side[group] = int(filled[0] > filled[1])
        filled[side[group]] += sizes[group]
    rows = rng.permutation(len(of_group))
    return rows[side[of_group[rows]] == 0], rows[side[of_group[rows]] == 1]
