"""Which images of a set belong together, and an order of images that does not hang on the order they came in."""

from __future__ import annotations

import numpy as np

from bench.contracts import ImageSet, Sample
from bench.stats.bootstrap import clusters


def groups_of(images: ImageSet) -> np.ndarray:
    """Index of the group of each image, int (n,), for a set with features; an image without samples stands alone.

    Images of one non-empty group belong together, and so do samples of one mask.
    """
    assert images.features is not None
    return clusters([_name(sample) for sample in images.samples] or [""] * len(images.features))


def _name(sample: Sample) -> str:
    return f"group {sample.group}" if sample.group else f"mask {sample.condition}"


def by_id(images: ImageSet) -> ImageSet:
    """The same images sorted by id, so that what is drawn from them is drawn whatever order they came in."""
    if not images.samples:
        return images
    return images.rows(np.array(sorted(range(len(images.samples)), key=lambda row: images.samples[row].id)))
