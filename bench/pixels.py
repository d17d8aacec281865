"""Decoded images, shared by all that look at them within one process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.images import load_rgb, turn

LIMIT = 2**30


@dataclass(frozen=True)
class Picture:
    """An image to look at: squashed to `size` (width, height) where given, then flipped and turned by `view`."""

    path: Path
    size: tuple[int, int] | None = None
    view: int = 0


@dataclass
class Pixels:
    """Decodes each image once, as long as all of them fit into `limit` bytes; the rest is decoded at every call.

    Nothing is ever dropped: sets are walked through in the same order again and again, and whatever is dropped in
    such a walk is what comes next.
    """

    limit: int = LIMIT
    decoded: int = 0
    _held: dict[tuple[Path, tuple[int, int] | None], np.ndarray] = field(default_factory=dict)
    _bytes: int = 0

    def load(self, pictures: list[Picture], workers: int = 0) -> list[np.ndarray]:
        """uint8 (h, w, 3) of each, read by `workers` threads. BenchError names an unreadable file."""
        with ThreadPoolExecutor(max(1, workers)) as readers:
            return list(readers.map(self._one, pictures))

    def _one(self, picture: Picture) -> np.ndarray:
        place = (picture.path, picture.size)
        found = self._held.get(place)
        if found is None:
            found = load_rgb(*place)
            self.decoded += 1
            if self._bytes + found.nbytes <= self.limit:
                self._held[place] = found
                self._bytes += found.nbytes
        return turn(found, picture.view)
