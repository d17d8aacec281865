"""Thirds of a real set by lesion size, and the synthetic images that fall into each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.contracts import Split
from bench.files.atomic import sha256_file
from bench.images import load_mask

NAMES = ("small lesions", "medium lesions", "large lesions")
LEAST = 100
"""Images of each set that every third must have: below that a distribution cannot be told from its own halves."""


@dataclass
class LesionShares:
    """Lesion pixels as a share of the image. Each mask is decoded once, however many metrics of a run ask for it.

    Known by the bytes of the mask's file: one that is written anew under its name is another mask.
    """

    _known: dict[str, float] = field(default_factory=dict)

    def of(self, samples: Split) -> np.ndarray:
        """float64 (n,), in [0, 1]."""
        return np.array([self._share(sample.mask) for sample in samples])

    def _share(self, mask: Path) -> float:
        digest = sha256_file(mask)
        if digest not in self._known:
            self._known[digest] = float(load_mask(mask).mean())
        return self._known[digest]


def thirds(real: Split, fake: Split, shares: LesionShares) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Row numbers of both sets by name of the third; empty when masks are absent or a third has too few images.

    Bounds are the terciles of the real lesions' share of the image.
    """
    if min(len(real), len(fake)) < LEAST * len(NAMES) or not all(sample.has_mask for sample in (*real, *fake)):
        return {}
    ours, theirs = shares.of(real), shares.of(fake)
    bounds = np.quantile(ours, [1 / 3, 2 / 3])
    places = [np.searchsorted(bounds, share) for share in (ours, theirs)]
    rows = {
        name: (np.flatnonzero(places[0] == third), np.flatnonzero(places[1] == third))
        for third, name in enumerate(NAMES)
    }
    return rows if all(len(side) >= LEAST for pair in rows.values() for side in pair) else {}
