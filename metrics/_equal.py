"""Which images are equal pixel for pixel, as they are or flipped and turned."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from bench.contracts import ImageSet, Space
from bench.images import VIEWS, rotate

Digests = Mapping[int, str]
"""By row of a set: equal for two images of which one is a view of the other."""


def digests_of(images: ImageSet, rows: Iterable[int], space: Space) -> Digests:
    """Of these rows; of none where the space has no pixels to compare."""
    if space.pixels is None:
        return {}
    return {int(row): digest(space.pixels(images.samples[row])) for row in rows}


def digest(pixels: np.ndarray) -> str:
    """Of uint8 (h, w, 3): the same for all its flips and quarter turns."""
    views = (rotate(pixels, view) for view in range(len(VIEWS)))
    return min(hashlib.sha256(f"{seen.shape}".encode() + seen.tobytes()).hexdigest() for seen in views)


def occurring_twice(found: Digests) -> int:
    """How many of the images have an equal one among the others."""
    return sum(count for count in Counter(found.values()).values() if count > 1)


def joined(group: np.ndarray, found: Digests) -> np.ndarray:
    """Groups (n,) of images, counted anew from 0 where groups that hold equal images have become one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not found:
        return group
    # A graph of groups and pixels: an image is the edge between its own two.
    pixels = np.unique(list(found.values()), return_inverse=True)[1]
    one, other = group[list(found)], group.max() + 1 + pixels
    nodes = int(other.max()) + 1
    edges = coo_array((np.ones(len(one)), (one, other)), shape=(nodes, nodes))
    return connected_components(edges, directed=False)[1][group]
