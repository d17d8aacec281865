"""Kendall's rank correlation of many draws at once. Pure.

Ours, because SciPy's takes one pair of lists a call, and thousands of draws would take seconds. A test holds both
beside each other.
"""

from __future__ import annotations

import numpy as np


def tau_b(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of `one` (..., n) with `other` (..., n), in [-1, 1]; nan where all of a list are equal."""
    left, right = np.triu_indices(one.shape[-1], 1)
    ours, theirs = (np.sign(values[..., left] - values[..., right]) for values in (one, other))
    untied = (np.abs(ours).sum(-1), np.abs(theirs).sum(-1))
    with np.errstate(invalid="ignore"):
        return (ours * theirs).sum(-1) / np.sqrt(untied[0] * untied[1])
