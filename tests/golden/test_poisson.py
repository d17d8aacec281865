"""Poisson blending against a dense least-squares solution of the same equations, pixel by pixel."""

import numpy as np
import pytest

from generators._poisson import blended, correction

RNG = np.random.default_rng(0)


def literal(difference, region):
    """One channel: the unknowns are the inner pixels; a row for each pair of neighbours asks for its step."""
    height, width = region.shape
    number = {(y, x): at for at, (y, x) in enumerate((y, x) for y in range(1, height - 1) for x in range(1, width - 1))}
    rows, wanted = [], []
    for y in range(height):
        for x in range(width):
            for other in ((y + 1, x), (y, x + 1)):
                if other[0] >= height or other[1] >= width:
                    continue
                row = np.zeros(len(number))
                if other in number:
                    row[number[other]] += 1
                if (y, x) in number:
                    row[number[y, x]] -= 1
                rows.append(row)
                wanted.append(difference[other] - difference[y, x] if region[y, x] and region[other] else 0)
    solved = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]
    found = np.zeros(region.shape)
    found[1:-1, 1:-1] = solved.reshape(height - 2, width - 2)
    return found


def test_the_correction_is_the_least_squares_solution():
    difference = RNG.normal(0, 30, (9, 12, 3))
    region = RNG.random((9, 12)) < 0.6
    ours = correction(difference, region)
    for channel in range(3):
        assert ours[..., channel] == pytest.approx(literal(difference[..., channel], region), abs=1e-9)


def test_a_patch_that_differs_by_a_constant_leaves_no_trace():
    """Only gradients are pasted; and outside the rectangle round the region nothing changes."""
    image = RNG.integers(60, 120, (20, 24, 3)).astype(np.uint8)
    region = np.zeros((20, 24), bool)
    region[5:12, 6:15] = True
    assert np.array_equal(blended(image + np.uint8(90), image, region), image)
    other = RNG.integers(60, 120, (20, 24, 3)).astype(np.uint8)
    changed = (blended(other, image, region) != image).any(axis=2)
    assert changed[region].mean() > 0.8
    changed[5:12, 6:15] = False
    assert not changed.any()


def test_a_region_at_the_border_of_the_image_leaves_its_outermost_pixels():
    image, patch = (RNG.integers(0, 255, (10, 10, 3)).astype(np.uint8) for _ in range(2))
    found = blended(patch, image, np.ones((10, 10), bool))
    for side in (found == image)[0], (found == image)[-1], (found == image)[:, 0], (found == image)[:, -1]:
        assert side.all()
    assert np.array_equal(blended(patch, image, np.zeros((10, 10), bool)), image)
