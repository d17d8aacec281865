"""Decoded images, shared by all that look at them within one process."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.images import load_rgb, rotate

LIMIT = 2**29

Place = tuple[Path, tuple[int, int] | None]


@dataclass(frozen=True)
class Picture:
    """An image to look at: resized to `size` (width, height) where given, then flipped and rotated by `view`."""

    path: Path
    size: tuple[int, int] | None = None
    view: int = 0

    @property
    def place(self) -> Place:
        """What is decoded: one for all views."""
        return self.path, self.size


@dataclass
class PixelCache:
    """Decodes each image once, as long as all of them fit into `limit` bytes; the rest is decoded at every call.

    Nothing is ever dropped: sets are walked through in the same order again and again, and whatever is dropped in
    such a walk is what comes next.
    """

    limit: int = LIMIT
    decoded: int = 0
    held: int = 0
    """Bytes."""
    _images: dict[Place, np.ndarray] = field(default_factory=dict)

    def load(self, pictures: Sequence[Picture], workers: int = 0) -> list[np.ndarray]:
        """uint8 (h, w, 3) of each, not to be written to. BenchError names an unreadable file.

        `workers` threads decode; the thread that called keeps, and is to be the only one that calls.
        """
        absent = list(dict.fromkeys(picture.place for picture in pictures if picture.place not in self._images))
        with ThreadPoolExecutor(max(1, workers)) as readers:
            fresh = dict(zip(absent, readers.map(lambda place: load_rgb(*place), absent), strict=True))
        self.decoded += len(fresh)
        self._keep(fresh)
        found = ChainMap(fresh, self._images)
        return [rotate(found[picture.place], picture.view) for picture in pictures]

    def walk(
        self, pictures: Sequence[Picture], batch: int, workers: int = 0
    ) -> Generator[tuple[Sequence[Picture], list[np.ndarray]]]:
        """Each batch of pictures with its pixels; the next is decoded while the caller works on this one.

        A caller that may stop early closes it: a thread waits inside.
        """
        batches = [pictures[start : start + batch] for start in range(0, len(pictures), batch)]
        with ThreadPoolExecutor(1) as reader:
            ahead = [reader.submit(self.load, chunk, workers) for chunk in batches[:1]]
            for number, chunk in enumerate(batches, 1):
                pixels = ahead.pop().result()
                ahead = [reader.submit(self.load, following, workers) for following in batches[number : number + 1]]
                yield chunk, pixels

    def _keep(self, fresh: Mapping[Place, np.ndarray]) -> None:
        for place, pixels in fresh.items():
            if self.held + pixels.nbytes <= self.limit:
                self._images[place] = pixels
                self.held += pixels.nbytes
