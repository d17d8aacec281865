"""Thirds of a real set by lesion size, and the synthetic images that fall into each."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.contracts import Split
from bench.images import load_mask

NAMES = ("small lesions", "medium lesions", "large lesions")
LEAST = 100
"""Images of each set that every third must have: below that a distribution cannot be told from its own halves."""


def thirds(real: Split, fake: Split) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Row numbers of both sets by name of the third; empty when masks are absent or a third has too few images.

    Bounds are the terciles of the real lesions' share of the image.
    """
    if min(len(real), len(fake)) < LEAST * len(NAMES) or not all(sample.has_mask for sample in (*real, *fake)):
        return {}
    ours, theirs = shares(real), shares(fake)
    bounds = np.quantile(ours, [1 / 3, 2 / 3])
    places = [np.searchsorted(bounds, share) for share in (ours, theirs)]
    rows = {
        name: (np.flatnonzero(places[0] == third), np.flatnonzero(places[1] == third))
        for third, name in enumerate(NAMES)
    }
    return rows if all(len(side) >= LEAST for pair in rows.values() for side in pair) else {}


def shares(samples: Split) -> np.ndarray:
    """Lesion pixels as a share of the image, float64 (n,)."""
    return np.array([_share(sample.mask) for sample in samples])


@functools.cache
def _share(mask: Path) -> float:
    """Each mask is read once a process, however many metrics ask."""
    return float(load_mask(mask).mean())
