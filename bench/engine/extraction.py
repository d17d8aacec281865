"""Images through an extractor's network, each once: rows that are known come from a cache beside the store.

A row is known by the bytes of its image file, the extractor (name, version, parameters, weights), the size the image
was resized to and its view. Folder names, masks and neighbours play no part, so a set that shares images with another,
or comes again with one image more, costs only what is new.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.contracts import Context, Extractor, Network
from bench.data.pixel_cache import Picture, PixelCache
from bench.errors import BenchError
from bench.files.atomic import sha256_file
from bench.files.cache import read_record, tell_damaged, write_record
from bench.identity import key
from bench.plugins.resolved import ResolvedPlugin

SCHEMA = 1
FLOAT32 = np.dtype("<f4")
FOLDER = "features"
"""Below a run's cache: its rows of features."""


@dataclass(frozen=True)
class Rows:
    """Feature rows on disk, float32, one record of the cache an image and view."""

    folder: Path
    identity: Mapping[str, Any]

    def path(self, picture: Picture, digest: str) -> Path:
        """The row's file; `digest` is the sha256 of the image's file."""
        size = list(picture.size) if picture.size else None
        space = key({"schema": SCHEMA, "extractor": self.identity, "size": size, "view": picture.view})
        return self.folder / space[:16] / digest[:40]

    def load(self, path: Path, dim: int, damaged: list[Path]) -> np.ndarray | None:
        """float32 (dim,); None where there is no whole row: a cache may be cut short or emptied at any time."""
        row = read_record(path, dim * FLOAT32.itemsize, damaged)
        return None if row is None else np.frombuffer(row, FLOAT32)

    def save(self, path: Path, row: np.ndarray) -> None:
        """Keep a row (dim,)."""
        write_record(path, row.astype(FLOAT32).tobytes())


@dataclass
class OpenExtractor:
    """The network that was looked through last stays open: loading one can take as long as dozens of images.

    It holds one network only, so that memory is that of the largest.
    """

    _extractor: Extractor | None = None
    _network: Network | None = None

    def open(self, extractor: Extractor, ctx: Context) -> Network:
        """The extractor's network; opened anew where another came between."""
        if self._network is None or self._extractor is not extractor:
            self.close()
            self._network = extractor.open(ctx)
            self._extractor = extractor
        return self._network

    def close(self) -> None:
        """Let go of the network, for work that needs the memory."""
        self._extractor = self._network = None


@dataclass(frozen=True)
class Extraction:
    """Looks at images through one extractor. `network`: where its network stays open for what comes next.

    Rows of features are kept in the cache of `ctx`, where there is one.
    """

    extractor: ResolvedPlugin
    ctx: Context
    pixels: PixelCache = field(default_factory=PixelCache)
    network: OpenExtractor = field(default_factory=OpenExtractor)

    @property
    def plugin(self) -> Extractor:
        """The extractor itself."""
        plugin: Extractor = self.extractor.plugin
        return plugin

    @property
    def batch(self) -> int:
        """Images in one forward pass: the extractor's parameter, or one where it has none."""
        return getattr(self.plugin.params, "batch", 1)

    @property
    def rows(self) -> Rows | None:
        """Where its rows are kept; None where there is no cache."""
        if self.ctx.cache is None:
            return None
        return Rows(self.ctx.cache / FOLDER, {**self.extractor.identity, "weights": self.plugin.sha256})

    def features(self, pictures: Sequence[Picture]) -> np.ndarray:
        """float32 (n, dim). The network is opened only when a row is unknown; equal files are looked at once.

        BenchError for an unreadable file and for a network that breaks its contract.
        """
        digests = {path: _digest(path) for path in {picture.path for picture in pictures}}
        features = np.empty((len(pictures), self.plugin.dim), dtype=np.float32)
        rows = self.rows
        unknown = list(range(len(pictures)))
        if rows is not None:
            unknown = self._load_known(rows, pictures, digests, features)
        same: dict[object, list[int]] = {}
        for index in unknown:
            picture = pictures[index]
            same.setdefault((digests[picture.path], picture.size, picture.view), []).append(index)
        groups = iter(same.values())
        with closing(self._forward([pictures[group[0]] for group in same.values()])) as found:
            for picture, row in found:
                features[next(groups)] = row
                if rows is not None:
                    rows.save(rows.path(picture, digests[picture.path]), row)
        return features

    def _load_known(
        self, rows: Rows, pictures: Sequence[Picture], digests: Mapping[Path, str], features: np.ndarray
    ) -> list[int]:
        """Fill in the rows that are kept; returns the indices of the others."""
        unknown, damaged = [], list[Path]()
        for index, picture in enumerate(pictures):
            row = rows.load(rows.path(picture, digests[picture.path]), self.plugin.dim, damaged)
            if row is None:
                unknown.append(index)
            else:
                features[index] = row
        tell_damaged(damaged, self.ctx.progress)
        return unknown

    def _forward(self, pictures: Sequence[Picture]) -> Generator[tuple[Picture, np.ndarray]]:
        """Each picture with its features."""
        if not pictures:
            return
        network = self.network.open(self.plugin, self.ctx)
        walk = self.pixels.walk(pictures, self.batch, self.ctx.workers)
        with self.ctx.progress.bar(len(pictures), "image") as bar, closing(walk):
            for chunk, images in walk:
                found = self.checked("features", network.features(images), (len(chunk), self.plugin.dim))
                yield from zip(chunk, found, strict=True)
                bar.update(len(chunk))

    def distances(self, pairs: Sequence[tuple[Picture, Picture]]) -> np.ndarray:
        """float32 (n,) of pairs of pictures: each picture goes through the network once.

        Its activations are held from the first of its pairs to the last. Pictures that come up soon join the same
        batch. BenchError for an unreadable file and for a network that breaks its contract.
        """
        found = np.empty(len(pairs), dtype=np.float32)
        if not pairs:
            return found
        held = _Activations(self, pairs)
        with self.ctx.progress.bar(len(pairs), "pair") as bar, closing(held.ahead):
            for start in range(0, len(pairs), self.batch):
                chunk = slice(start, start + self.batch)
                found[chunk] = held.distances(pairs[chunk])
                held.drop(pairs[chunk], start + self.batch)
                bar.update(len(pairs[chunk]))
        return found

    def checked(self, what: str, found: Any, shape: tuple[int, ...]) -> np.ndarray:
        """`found`, when it is what the contract promises."""
        if not isinstance(found, np.ndarray) or found.shape != shape or found.dtype != np.float32:
            got = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
            raise BenchError(
                f"extractor {self.extractor.name} returned {what} {got}; its contract is float32 {shape}: "
                "mend its network"
            )
        return found


class _Activations:
    """Activations of the pictures that are still to be compared."""

    def __init__(self, extraction: Extraction, pairs: Sequence[tuple[Picture, Picture]]) -> None:
        self.extraction = extraction
        self.network = extraction.network.open(extraction.plugin, extraction.ctx)
        order = list(dict.fromkeys(picture for pair in pairs for picture in pair))
        self.ahead = extraction.pixels.walk(order, extraction.batch, extraction.ctx.workers)
        self.last = {picture: index for index, pair in enumerate(pairs) for picture in pair}
        self.activations: dict[Picture, Any] = {}

    def distances(self, pairs: Sequence[tuple[Picture, Picture]]) -> np.ndarray:
        while any(picture not in self.activations for pair in pairs for picture in pair):
            self._look()
        found = self.network.distances([(self.activations[one], self.activations[other]) for one, other in pairs])
        return self.extraction.checked("distances", found, (len(pairs),))

    def _look(self) -> None:
        """The next batch of pictures, in the order in which pairs ask for them."""
        chunk, images = next(self.ahead)
        found = self.network.activations(images)
        if len(found) != len(chunk):
            raise BenchError(
                f"extractor {self.extraction.extractor.name} returned activations of {len(found)} images; "
                f"its contract is one of each of {len(chunk)}: mend its network"
            )
        self.activations.update(zip(chunk, found, strict=True))

    def drop(self, pairs: Sequence[tuple[Picture, Picture]], done: int) -> None:
        """Let go of what no pair from number `done` on needs."""
        for picture in {picture for pair in pairs for picture in pair if self.last[picture] < done}:
            del self.activations[picture]


def _digest(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise BenchError(f"{path}: not a readable image ({error.strerror}); replace or remove it") from None
