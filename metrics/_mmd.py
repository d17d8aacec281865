"""Maximum mean discrepancy under any kernel, from sums over rows of the Gram matrices, in float64.

The statistics and all their values with one part left out need no more than these sums, so no n x n matrix is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.contracts import LeftOut

BLOCK = 512
SIGMA = 10.0
JACKKNIFE = "jackknife over images, whole groups of them"

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Of every pair: (n, d), (m, d) -> (n, m)."""


def polynomial(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """KID's (x.y / d + 1)^3."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def gaussian(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """CMMD's exp(-|x - y|^2 / (2 sigma^2)) with sigma 10."""
    squares = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * x @ y.T
    return np.exp(-squares / (2 * SIGMA**2))


@dataclass(frozen=True, kw_only=True)
class Side:
    """Kernel sums of one set of n images against another.

    `within` (n,): an image over the others of its set; `own` (n,): with itself; `across` (n,): over the other set.
    `part` (n,): the part it belongs to; `inside` (parts,): over ordered pairs of two images of the part.
    """

    within: np.ndarray
    own: np.ndarray
    across: np.ndarray
    part: np.ndarray
    inside: np.ndarray


def sides(
    x: np.ndarray, y: np.ndarray, kernel: Kernel, part_x: np.ndarray | None = None, part_y: np.ndarray | None = None
) -> tuple[Side, Side]:
    """Sums of x (n, d) and y (m, d). `part_x` (n,), `part_y` (m,): parts of images; without, each stands alone."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    across, back = _sums(x, y, kernel)
    return _side(x, across, kernel, part_x), _side(y, back, kernel, part_y)


def _side(x: np.ndarray, across: np.ndarray, kernel: Kernel, part: np.ndarray | None) -> Side:
    part = np.arange(len(x)) if part is None else part
    within, own = _within(x, kernel)
    inside = np.zeros(part.max() + 1)
    for index in np.flatnonzero(np.bincount(part) > 1):
        inside[index] = _within(x[part == index], kernel)[0].sum()
    return Side(within=within, own=own, across=across, part=part, inside=inside)


def _sums(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the Gram matrix along its rows (n,) and its columns (m,), a block of rows at a time."""
    rows, columns = np.empty(len(x)), np.zeros(len(y))
    for start in range(0, len(x), BLOCK):
        gram = kernel(x[start : start + BLOCK], y)
        rows[start : start + BLOCK] = gram.sum(axis=1)
        columns += gram.sum(axis=0)
    return rows, columns


def _within(x: np.ndarray, kernel: Kernel) -> tuple[np.ndarray, np.ndarray]:
    """Sums over the rows of x's own Gram matrix without its diagonal (n,), and the diagonal (n,)."""
    rows, own = np.empty(len(x)), np.empty(len(x))
    for start in range(0, len(x), BLOCK):
        gram = kernel(x[start : start + BLOCK], x)
        rows[start : start + BLOCK] = gram.sum(axis=1)
        own[start : start + BLOCK] = np.diagonal(gram, start)
    return rows - own, own


def mmd(x: Side, y: Side, biased: bool = False) -> float:
    """Squared MMD. Unbiased: no image is paired with itself, it can be negative. Biased: plain means over all pairs."""
    n, m = len(x.part), len(y.part)
    own = _mean(x.within.sum(), x.own.sum(), n, biased) + _mean(y.within.sum(), y.own.sum(), m, biased)
    return float(own - 2 * x.across.sum() / (n * m))


def left_out(x: Side, y: Side, biased: bool = False) -> tuple[LeftOut, ...]:
    """Values of `mmd` with each part of x, the real set, and each part of y left out; empty when one leaves no pair."""
    if any(np.bincount(side.part).max() > len(side.part) - 2 for side in (x, y)):
        return ()
    return _without("real", x, y, biased), _without("fake", y, x, biased)


def _without(name: str, side: Side, other: Side, biased: bool) -> LeftOut:
    sizes = np.bincount(side.part)
    n, m = len(side.part) - sizes, len(other.part)
    within = side.within.sum() - 2 * np.bincount(side.part, side.within) + side.inside
    own = side.own.sum() - np.bincount(side.part, side.own)
    across = side.across.sum() - np.bincount(side.part, side.across)
    theirs = _mean(other.within.sum(), other.own.sum(), m, biased)
    return LeftOut(name, _mean(within, own, n, biased) + theirs - 2 * across / (n * m), sizes)


def _mean(within: np.ndarray, own: np.ndarray, n: np.ndarray | int, biased: bool) -> np.ndarray:
    return (within + own) / n**2 if biased else within / (n * (n - 1))
