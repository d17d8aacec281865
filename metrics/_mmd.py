"""Maximum mean discrepancy with KID's kernel, from sums over rows of the Gram matrices, in float64.

The U-statistic and the sum of leave-one-out deviations need no more than these sums, so no matrix of n x n is held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCK = 512


@dataclass(frozen=True)
class RowSums:
    """Kernel sums of x (n, d) against y (m, d); a row's product with itself is left out of `xx` and `yy`.

    `xx` (n,) and `yy` (m,) within a set, `xy` (n,) of each x over all y, `yx` (m,) of each y over all x.
    """

    xx: np.ndarray
    yy: np.ndarray
    xy: np.ndarray
    yx: np.ndarray


def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """KID's polynomial kernel (x.y / d + 1)^3 of every pair: (n, d), (m, d) -> (n, m)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def row_sums(x: np.ndarray, y: np.ndarray) -> RowSums:
    x, y = x.astype(np.float64), y.astype(np.float64)
    xy, yx = _sums(x, y)
    return RowSums(_sums(x, x)[0] - _diagonal(x), _sums(y, y)[0] - _diagonal(y), xy, yx)


def _sums(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the Gram matrix along its rows (n,) and its columns (m,), a block of rows at a time."""
    rows, columns = np.empty(len(x)), np.zeros(len(y))
    for start in range(0, len(x), BLOCK):
        gram = kernel(x[start : start + BLOCK], y)
        rows[start : start + BLOCK] = gram.sum(axis=1)
        columns += gram.sum(axis=0)
    return rows, columns


def _diagonal(x: np.ndarray) -> np.ndarray:
    return ((x * x).sum(axis=1) / x.shape[1] + 1) ** 3


def u_statistic(sums: RowSums) -> float:
    """Unbiased squared MMD; it can be negative. n, m >= 2."""
    n, m = len(sums.xx), len(sums.yy)
    return float(
        sums.xx.sum() / (n * (n - 1)) + sums.yy.sum() / (m * (m - 1)) - 2 * sums.xy.sum() / (n * m)
    )  # fmt: skip


def jackknife_se(sums: RowSums) -> float:
    """Standard error of `u_statistic` by leaving out one image at a time, of either set. n, m >= 3."""
    return float(np.sqrt(_variance(sums.xx, sums.xy, len(sums.yy)) + _variance(sums.yy, sums.yx, len(sums.xx))))


def _variance(within: np.ndarray, across: np.ndarray, others: int) -> float:
    """Jackknife variance over one set: (n-1)/n times the sum of squared deviations of the leave-one-out values.

    The other set's own term is the same in all of them and drops out.
    """
    n = len(within)
    without_i = (within.sum() - 2 * within) / ((n - 1) * (n - 2)) - 2 * (across.sum() - across) / ((n - 1) * others)
    return float((n - 1) / n * ((without_i - without_i.mean()) ** 2).sum())
