"""Draws of several numbers at once, over two crossed noises, as `bench.stats.confidence` has them of one. Pure.

The numbers come from the same repeats and the same test images. A draw takes the test images anew, the same for all of
them, and adds the repeats' own deviations from their mean, weighted by normal numbers and divided by a chi: of any sum
of the numbers this is Student's t with as many degrees of freedom as there are repeats less one (Kotz and Nadarajah
2004 on the multivariate t), so that three repeats count as three.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.stats.confidence import crossed

EACH = 5
"""Draws of repeats to one of images: tails of Student's t with few degrees of freedom take many."""


def joint_draws(numbers: Sequence[tuple[np.ndarray, np.ndarray]], seed: int) -> np.ndarray:
    """(numbers, draws). Of each number its draws of test images (repeats, r) and its value in each repeat (repeats,).

    With one repeat only the noise of the test images is in it.
    """
    of_images = np.stack([crossed(draws, by_repeat).draws for draws, by_repeat in numbers])
    by_repeat = np.stack([own for _, own in numbers])
    count = by_repeat.shape[1]
    if count < 2:
        return of_images
    of_images = np.tile(of_images, EACH)
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((count, of_images.shape[1]))
    chi = np.sqrt(rng.chisquare(count - 1, of_images.shape[1]) / (count - 1))
    deviations = (by_repeat - by_repeat.mean(1, keepdims=True)) / np.sqrt(count * (count - 1))
    return of_images + deviations @ normal / chi
