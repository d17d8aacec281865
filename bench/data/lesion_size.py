"""Thirds of a set by lesion size: what they are, and which synthetic images fall into those of a real set.

A third is one of the images that have a lesion. An image without a lesion belongs to none: it has no lesion whose size
could tell anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.contracts import Split
from bench.files.atomic import sha256_file
from bench.images import load_mask

NAMES = ("small lesions", "medium lesions", "large lesions")
LEAST = 100
"""Images of each set that every third must have: below that a distribution cannot be told from its own halves."""


@dataclass(frozen=True)
class Terciles:
    """Two bounds of the lesion's share of the image, in (0, 1]; a share at a bound lies below it."""

    low: float
    high: float

    def third(self, shares: np.ndarray) -> np.ndarray:
        """Place in `NAMES` of each share (n,), int (n,); -1 of an image without lesion, whose share is 0."""
        return np.where(shares > 0, np.searchsorted([self.low, self.high], shares), -1)


def terciles(shares: np.ndarray) -> Terciles | None:
    """Of the images that have a lesion, by the lesion's share of each image (n,); None where there is no lesion."""
    lesions = shares[shares > 0]
    return Terciles(*np.quantile(lesions, [1 / 3, 2 / 3]).tolist()) if len(lesions) else None


@dataclass
class LesionShares:
    """Lesion pixels as a share of the image. Each mask is decoded once, however many metrics of a run ask for it.

    Known by the bytes of the mask's file: one that is written anew under its name is another mask.
    """

    _known: dict[str, float] = field(default_factory=dict)

    def of(self, samples: Split) -> np.ndarray:
        """float64 (n,), in [0, 1]."""
        shares = []
        for sample in samples:
            digest = sha256_file(sample.mask)
            if digest not in self._known:
                self._known[digest] = float(load_mask(sample.mask).mean())
            shares.append(self._known[digest])
        return np.array(shares)


def thirds(real: Split, fake: Split, shares: LesionShares) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Row numbers of both sets by name of the third; empty when masks are absent or a third has too few images.

    The bounds are those of the real set. Images without lesion, of either set, are in no third.
    """
    if min(len(real), len(fake)) < LEAST * len(NAMES) or not all(sample.has_mask for sample in (*real, *fake)):
        return {}
    ours, theirs = shares.of(real), shares.of(fake)
    bounds = terciles(ours)
    if bounds is None:
        return {}
    places = [bounds.third(share) for share in (ours, theirs)]
    rows = {
        name: (np.flatnonzero(places[0] == third), np.flatnonzero(places[1] == third))
        for third, name in enumerate(NAMES)
    }
    return rows if all(len(side) >= LEAST for pair in rows.values() for side in pair) else {}
