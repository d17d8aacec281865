"""Decoded images, shared by all that look at them within one process."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.images import load_rgb, rotate

LIMIT = 2**29


@dataclass(frozen=True)
class Picture:
    """An image to look at: resized to `size` (width, height) where given, then flipped and rotated by `view`."""

    path: Path
    size: tuple[int, int] | None = None
    view: int = 0


@dataclass(frozen=True)
class _File:
    """What is decoded, one for all views. `stamp`: a file that is written anew is another."""

    path: Path
    size: tuple[int, int] | None
    stamp: tuple[int, int] | None

    @classmethod
    def of(cls, picture: Picture) -> _File:
        try:
            stat = picture.path.stat()
        except OSError:
            return cls(picture.path, picture.size, None)  # Decoding says what is wrong.
        return cls(picture.path, picture.size, (stat.st_mtime_ns, stat.st_size))


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
    _images: dict[_File, np.ndarray] = field(default_factory=dict)

    def load(self, pictures: Sequence[Picture], workers: int = 0) -> list[np.ndarray]:
        """uint8 (h, w, 3) of each, not to be written to. BenchError names an unreadable file.

        `workers` threads decode; the thread that called keeps, and is to be the only one that calls.
        """
        files = [_File.of(picture) for picture in pictures]
        absent = [file for file in dict.fromkeys(files) if file not in self._images]
        with ThreadPoolExecutor(max(1, workers)) as readers:
            fresh = dict(zip(absent, readers.map(lambda file: load_rgb(file.path, file.size), absent), strict=True))
        self.decoded += len(fresh)
        for file, pixels in fresh.items():
            if self.held + pixels.nbytes <= self.limit:
                self._images[file] = pixels
                self.held += pixels.nbytes
        found = ChainMap(fresh, self._images)
        return [rotate(found[file], picture.view) for file, picture in zip(files, pictures, strict=True)]

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
