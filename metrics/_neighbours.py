"""Euclidean distances to neighbours, a block of rows at a time: no matrix of n x n is held."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK = 512


def distance_blocks(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Distances of x (n, d) to all of y (m, d): rows of x, and their (rows, m), in the precision of the arrays.

    By the product of the two, so that a distance is good to the rounding of the longest vector, not to its own.
    """
    squares = (y * y).sum(axis=1)
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        squared = (x[rows] * x[rows]).sum(axis=1)[:, None] + squares - 2 * (x[rows] @ y.T)
        yield rows, np.sqrt(np.maximum(squared, 0))


def radii(x: np.ndarray, k: int) -> np.ndarray:
    """Distance of each row of x (n, d) to its k-th neighbour in x, itself not counted: (n,). n > k."""
    found = np.empty(len(x), dtype=x.dtype)
    for rows, block in distance_blocks(x, x):
        # A row's own distance need not come out as the smallest: rounding, or an equal row.
        block[np.arange(len(block)), np.arange(len(x))[rows]] = np.inf
        found[rows] = np.partition(block, k - 1, axis=1)[:, k - 1]
    return found
