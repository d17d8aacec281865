"""Euclidean distances to neighbours, a block of rows at a time: no matrix of n x n is held."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK = 512


def blocks(count: int) -> Iterator[slice]:
    """`count` rows in blocks of `BLOCK`."""
    return (slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK))


def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of each of x (n, d) to each of y (m, d): (n, m), in the precision of the arrays.

    They come from the product of the two, so a distance is good to the rounding of the vectors, not to its own.
    """
    import torch

    # Multiplied by torch, as torch-fidelity's are: the threads of two libraries in turn wait for each other.
    product = (torch.from_numpy(x) @ torch.from_numpy(y).T).numpy()
    squared = (x * x).sum(axis=1)[:, None] + (y * y).sum(axis=1) - 2 * product
    return np.sqrt(np.maximum(squared, 0))


def radii(x: np.ndarray, k: int) -> np.ndarray:
    """Distance of each row of x (n, d) to its k-th neighbour in x, itself not counted: (n,). n > k."""
    found = np.empty(len(x), dtype=x.dtype)
    for rows in blocks(len(x)):
        block = distances(x[rows], x)
        # A row's own distance need not come out as the smallest: rounding, or an equal row.
        block[np.arange(len(block)), np.arange(len(x))[rows]] = np.inf
        found[rows] = np.partition(block, k - 1, axis=1)[:, k - 1]
    return found
