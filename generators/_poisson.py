"""Poisson blending: a patch put into another image so that no seam shows."""

from __future__ import annotations

import numpy as np


def blended(patch: np.ndarray, image: np.ndarray, region: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 3): `image` with the gradients of `patch`, both (h, w, 3), within `region`, bool (h, w).

    On a rectangle round the region and its rim fixed, as OpenCV's seamlessClone does it, by a sine transform (Tanaka et
    al., SIGGRAPH Asia 2012 posters): colours may shift a little outside the region too, within the rectangle. The
    outermost pixels of the image never change.
    """
    inner = np.zeros(region.shape, bool)
    inner[1:-1, 1:-1] = region[1:-1, 1:-1]
    result = image.copy()
    if inner.any():
        rows, columns = (np.flatnonzero(inner.any(axis=axis)) for axis in (1, 0))
        box = (slice(rows[0] - 1, rows[-1] + 2), slice(columns[0] - 1, columns[-1] + 2))
        difference = patch[box].astype(np.float64) - image[box]
        shifted = image[box] + correction(difference, inner[box])
        result[box] = np.rint(shifted.clip(0, 255)).astype(np.uint8)
    return result


def correction(difference: np.ndarray, region: np.ndarray) -> np.ndarray:
    """What to add to an image (h, w, c): 0 on the rim, its gradient nearest to that of `difference` (patch less image)
    within the region (h, w) and to 0 outside, in least squares."""
    from scipy.fft import dstn, idstn

    divergence = np.zeros_like(difference)
    for axis in (0, 1):
        along, inside = np.moveaxis(difference, axis, 0), np.moveaxis(region, axis, 0)
        step = np.diff(along, axis=0) * (inside[:-1] & inside[1:])[..., None]
        # A view: what is added to it is added to `divergence`.
        there = np.moveaxis(divergence, axis, 0)
        there[:-1] += step
        there[1:] -= step
    waves = dstn(divergence[1:-1, 1:-1], type=1, axes=(0, 1))
    height, width = waves.shape[:2]
    down, across = (2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1)) - 2 for n in (height, width))
    found = np.zeros_like(difference)
    found[1:-1, 1:-1] = idstn(waves / (down[:, None] + across)[..., None], type=1, axes=(0, 1))
    return found
