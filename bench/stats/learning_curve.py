"""A score read on a learning curve: how many images a network needs to reach it. Pure.

The curve is the isotonic mean of its points, linear in the logarithm of the number of images between them, and nothing
beyond them: power laws extrapolate badly (Mahmood et al. 2022). A chord of a curve that flattens lies below it, so
that a reading between two points is rather too high: by 3 % of the images for points a factor of two apart on
a - b n^-0.45.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def rising(scores: np.ndarray) -> np.ndarray:
    """The isotonic mean of each column of (points, r): where a point lies below the one before, both are averaged."""
    from scipy.optimize import isotonic_regression

    fitted = np.array(scores, dtype=np.float64)
    for at in np.flatnonzero((np.diff(fitted, axis=0) < 0).any(0)):
        fitted[:, at] = isotonic_regression(fitted[:, at]).x
    return fitted


def images_reaching(gaps: np.ndarray, images: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Fewest and most images with which the curve has the score, (r,) each: they differ where the curve is level there.

    `gaps` (points, r): the curve less the score, so that the isotonic mean of the difference is that of the curve;
    `images` (points,): of each point, rising. -inf where the whole curve lies above the score, inf where below it.
    """
    fitted, logs = rising(gaps), np.log(np.asarray(images, dtype=np.float64))
    # The same from the other end: most images with the score are fewest on the curve turned over.
    least, most = _first(fitted, logs, -np.inf), _first(-fitted[::-1], logs[::-1], np.inf)
    return _images(least), _images(most)


def _first(fitted: np.ndarray, logs: np.ndarray, before: float) -> np.ndarray:
    """Where each column, which rises, first has 0; `before` where it starts above, -`before` where it stays below."""
    columns = np.arange(fitted.shape[1])
    after = np.argmax(fitted >= 0, 0)
    last = np.maximum(after - 1, 0)
    ours, theirs = fitted[last, columns], fitted[after, columns]
    rise = np.where(theirs > ours, theirs - ours, 1.0)
    found = logs[last] - ours / rise * (logs[after] - logs[last])
    found = np.where(fitted[0] > 0, before, found)
    found = np.where(fitted[0] == 0, logs[0], found)
    return np.where(fitted[-1] < 0, -before, found)


def _images(logs: np.ndarray) -> np.ndarray:
    """Below the curve stays -inf, which is no logarithm of a number of images; a point's own number comes out whole."""
    return np.where(np.isneginf(logs), -np.inf, np.round(np.exp(logs), 6))
