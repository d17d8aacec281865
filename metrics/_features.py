"""What every metric on feature vectors checks first, and how it names its column."""

from __future__ import annotations

import numpy as np

from bench.contracts import ImageSet
from bench.errors import BenchError

INCEPTION = "Inception"


def column(published: str, distance: str, label: str, home: str = INCEPTION) -> str:
    """`published` on the features labelled `home`, `distance-label` on any other: numbers of another backbone never
    bear the name."""
    return published if label == home else f"{distance}-{label}"


def feature_pair(real: ImageSet, fake: ImageSet, name: str, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """float32 (n, d) of both sets. Raises BenchError when a set is too small, or not finite, or of another space."""
    found = []
    for side, images in (("real", real), ("synthetic", fake)):
        features = images.features
        if features is None or features.ndim != 2:
            raise BenchError(f"{name}: no features of the {side} set, (n, d) needed; name an extractor for the metric")
        if len(features) < least:
            raise BenchError(f"{name}: {len(features)} {side} image(s); at least {least} are needed")
        if not np.isfinite(features).all():
            row = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
            which = images.samples[row].id if row < len(images.samples) else f"number {row + 1}"
            raise BenchError(f"{name}: features of {side} image {which} are not finite numbers")
        found.append(np.ascontiguousarray(features, dtype=np.float32))
    if found[0].shape[1] != found[1].shape[1]:
        raise BenchError(f"{name}: real features have {found[0].shape[1]} numbers, synthetic {found[1].shape[1]}")
    return found[0], found[1]


def to_unit(features: np.ndarray, name: str) -> np.ndarray:
    """float64 (n, d), each row of length 1. Raises BenchError for a row of zeros, which has no direction."""
    rows = features.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.all():
        row = int(np.argmin(lengths)) + 1
        raise BenchError(f"{name}: features of image number {row} are all 0, without direction; name another extractor")
    return rows / lengths
