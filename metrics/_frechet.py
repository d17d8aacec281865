"""Fréchet distance by singular values, and its extrapolation to infinitely many images with a grouped jackknife.

With A, B the centred rows over sqrt(n - 1), tr (S_a S_b)^1/2 is the nuclear norm of A B^T: exact at any rank, real and
never negative, at the price of one product and one decomposition of the smallest of n, m and d. All in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.contracts import LeftOut

SHARES = (0.5, 0.75, 1.0)
WINDOWS = 4
PARTS = 10
LEAST = 50


def within_span(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Float32 coordinates of x (n, d) and y (m, d) along axes that span both, about their common mean: at most n + m.

    Distances, and so the Fréchet distance, stay as they are.
    """
    both = np.concatenate([x, y]).astype(np.float64)
    both -= both.mean(0)
    u, s, _ = np.linalg.svd(both, full_matrices=False)
    turned = (u * s).astype(np.float32)
    return turned[: len(x)], turned[len(x) :]


def frechet(x: np.ndarray, y: np.ndarray) -> float:
    """|mu_x - mu_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^1/2) of x (n, d) and y (m, d)."""
    (a, mean_a), (b, mean_b) = (_centred(z.astype(np.float64)) for z in (x, y))
    nuclear = np.linalg.svd(_reduced(a) @ _reduced(b).T, compute_uv=False).sum()
    return float(((mean_a - mean_b) ** 2).sum() + (a * a).sum() + (b * b).sum() - 2 * nuclear)


def _centred(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows around their mean over sqrt(n - 1), and the mean."""
    mean = x.mean(0)
    return (x - mean) / np.sqrt(len(x) - 1), mean


def _reduced(a: np.ndarray) -> np.ndarray:
    """At most d rows of the same scatter a^T a."""
    return np.asarray(np.linalg.qr(a, mode="r")) if len(a) > a.shape[1] else a


@dataclass(frozen=True)
class Clouds:
    """x (n, d) and y (m, d), float64, whose subsets are compared many times over: inner products are taken once."""

    x: np.ndarray
    y: np.ndarray

    @cached_property
    def products(self) -> np.ndarray:
        """Inner products of the rows of both, (n, m)."""
        return self.x @ self.y.T

    def distance(self, rows_x: np.ndarray, rows_y: np.ndarray) -> float:
        """`frechet` of some rows of each, by eigenvalues of a Gram matrix: twice as fast, good to 1e-6."""
        (a, mean_a), (b, mean_b) = _centred(self.x[rows_x]), _centred(self.y[rows_y])
        if min(len(a), len(b)) > a.shape[1]:
            cross = _reduced(a) @ _reduced(b).T
        else:
            cross = self.products[np.ix_(rows_x, rows_y)]
            cross = cross - cross.mean(0)
            cross -= cross.mean(1, keepdims=True)
            cross /= np.sqrt((len(a) - 1) * (len(b) - 1))
        gram = cross @ cross.T if len(cross) <= cross.shape[1] else cross.T @ cross
        nuclear = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0)).sum()
        return float(((mean_a - mean_b) ** 2).sum() + (a * a).sum() + (b * b).sum() - 2 * nuclear)


def clouds(x: np.ndarray, y: np.ndarray) -> Clouds:
    """Around a common origin, which changes no distance and keeps the products small."""
    origin = x.mean(0, dtype=np.float64)
    return Clouds(x - origin, y - origin)


@dataclass(frozen=True)
class Circle:
    """The rows of a set in random order, whole groups one after the other, bent to a circle; the part of each row."""

    rows: np.ndarray
    part: np.ndarray

    def window(self, index: int, share: float, without: int = -1) -> np.ndarray:
        """`share` of the rows from the `index`-th of `WINDOWS` starts on, less those of part `without`."""
        start = round(index * len(self.rows) / WINDOWS)
        rows = np.roll(self.rows, -start)[: round(share * len(self.rows))]
        return rows[self.part[rows] != without]


def circles(groups_x: np.ndarray, groups_y: np.ndarray, seed: int) -> tuple[Circle, Circle]:
    """Groups (n,), (m,) in random order go to the parts by turns, so that every window holds its share of every part.

    A set's order hangs on the seed and its own groups alone, so that a reference is parted in the same way whatever
    stands against it.
    """
    parts = min(PARTS, len(np.unique(groups_x)), len(np.unique(groups_y)))
    return _circle(groups_x, parts, [seed, 0]), _circle(groups_y, parts, [seed, 1])


def _circle(groups: np.ndarray, parts: int, seed: list[int]) -> Circle:
    rng = np.random.default_rng(seed)
    place = rng.permutation(groups.max() + 1)[groups]
    return Circle(np.argsort(place + rng.random(len(groups))), place % parts)


def infinity(both: Clouds, one: Circle, other: Circle, without: int = -1) -> float:
    """FID-infinity (Chong and Forsyth 2020): a line in 1 / n through the distances of subsets, read at 1 / n = 0.

    Both sets are subsampled together, to 1/2, 3/4 and all of their images. Each share is taken as the windows from
    four starts on a circle: every image comes up equally often, so that the draw adds next to no noise.
    """
    inverse, distance = [], []
    for share in SHARES:
        starts = range(WINDOWS if share < 1 else 1)
        windows = [(one.window(start, share, without), other.window(start, share, without)) for start in starts]
        inverse.append(np.mean([(1 / len(a) + 1 / len(b)) / 2 for a, b in windows]))
        distance.append(np.mean([both.distance(a, b) for a, b in windows]))
    return float(np.polyfit(inverse, distance, 1)[1])


def left_out(both: Clouds, one: Circle, other: Circle) -> tuple[LeftOut, ...]:
    """`infinity` without each part of both sets; empty when that leaves a window without two images."""
    parts = range(one.part.max() + 1)
    if any(
        len(ring.window(start, SHARES[0], part)) < 2
        for ring in (one, other)
        for start in range(WINDOWS)
        for part in parts
    ):
        return ()
    values = np.array([infinity(both, one, other, part) for part in parts])
    return (LeftOut("both", values, np.bincount(one.part) + np.bincount(other.part)),)
