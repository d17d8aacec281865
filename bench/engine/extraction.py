"""Images through an extractor's network, each once: rows that are known come from a cache beside the store.

A row is known by the bytes of its image file, the extractor (name, version, parameters, weights), the size the image
was squashed to and its view. Folder names, masks and neighbours play no part, so a set that shares images with another,
or comes again with one image more, costs only what is new.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.contracts import Context, Extractor, Network
from bench.data.pixel_cache import Picture, PixelCache
from bench.engine.networks import Networks
from bench.errors import BenchError
from bench.files.atomic import sha256_file
from bench.files.cache import read_record, tell_damaged, write_record
from bench.identity import key

SCHEMA = 1
FLOAT32 = np.dtype("<f4")


@dataclass(frozen=True)
class Rows:
    """Feature rows on disk, float32, one record of the cache an image and view."""

    folder: Path
    identity: Mapping[str, Any]

    def path(self, picture: Picture, digest: str) -> Path:
        size = list(picture.size) if picture.size else None
        space = key({"schema": SCHEMA, "extractor": self.identity, "size": size, "view": picture.view})
        return self.folder / space[:16] / digest[:40]

    def load(self, path: Path, dim: int, damaged: list[Path]) -> np.ndarray | None:
        """float32 (dim,); None where there is no whole row: a cache may be cut short or emptied at any time."""
        row = read_record(path, dim * FLOAT32.itemsize, damaged)
        return None if row is None else np.frombuffer(row, FLOAT32)

    def save(self, path: Path, row: np.ndarray) -> None:
        write_record(path, row.astype(FLOAT32).tobytes())


def embed(
    extractor: Extractor,
    name: str,
    pictures: Sequence[Picture],
    rows: Rows | None,
    pixels: PixelCache,
    ctx: Context,
    networks: Networks | None = None,
) -> np.ndarray:
    """float32 (n, dim). The network is opened only when a row is unknown; equal files are looked at once.

    `networks`: where the network stays open for what comes next.
    """
    digests = {path: _digest(path) for path in {picture.path for picture in pictures}}
    features = np.empty((len(pictures), extractor.dim), dtype=np.float32)
    new: dict[object, list[int]] = {}
    damaged: list[Path] = []
    for index, picture in enumerate(pictures):
        digest = digests[picture.path]
        row = rows.load(rows.path(picture, digest), extractor.dim, damaged) if rows else None
        if row is None:
            new.setdefault((digest, picture.size, picture.view), []).append(index)
        else:
            features[index] = row
    tell_damaged(damaged, ctx.progress)
    groups = iter(new.values())
    first = [pictures[group[0]] for group in new.values()]
    with closing(_forward(extractor, name, first, pixels, ctx, networks or Networks())) as found:
        for picture, row in found:
            features[next(groups)] = row
            if rows:
                rows.save(rows.path(picture, digests[picture.path]), row)
    return features


def _digest(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise BenchError(f"{path}: not a readable image ({error.strerror}); replace or remove it") from None


def _forward(
    extractor: Extractor, name: str, pictures: Sequence[Picture], pixels: PixelCache, ctx: Context, networks: Networks
) -> Generator[tuple[Picture, np.ndarray]]:
    """Each picture with its features."""
    if not pictures:
        return
    network, walk = networks.open(extractor, ctx), pixels.walk(pictures, batch_of(extractor), ctx.workers)
    with ctx.progress.bar(len(pictures), "image") as bar, closing(walk):
        for chunk, images in walk:
            found = network.features(images)
            yield from zip(chunk, _kept(name, "features", found, (len(chunk), extractor.dim)), strict=True)
            bar.update(len(chunk))


def _kept(name: str, what: str, found: Any, shape: tuple[int, ...]) -> np.ndarray:
    """`found`, when it is what the contract promises."""
    if not isinstance(found, np.ndarray) or found.shape != shape or found.dtype != np.float32:
        got = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
        raise BenchError(f"extractor {name} returned {what} {got}; its contract is float32 {shape}: mend its network")
    return found


def batch_of(extractor: Extractor) -> int:
    """Images in one forward pass: the extractor's parameter, or one where it has none."""
    return getattr(extractor.params, "batch", 1)


def distances(
    extractor: Extractor,
    name: str,
    pairs: Sequence[tuple[Picture, Picture]],
    pixels: PixelCache,
    ctx: Context,
    networks: Networks | None = None,
) -> np.ndarray:
    """float32 (n,) of pairs of pictures: each picture goes through the network once.

    Its activations are held from the first of its pairs to the last. Pictures that come up soon join the same batch.
    """
    found = np.empty(len(pairs), dtype=np.float32)
    if not pairs:
        return found
    held, batch = _Held(extractor, name, pairs, pixels, ctx, networks or Networks()), batch_of(extractor)
    with ctx.progress.bar(len(pairs), "pair") as bar, closing(held.ahead):
        for start in range(0, len(pairs), batch):
            chunk = slice(start, start + batch)
            found[chunk] = held.distances(pairs[chunk])
            held.drop(pairs[chunk], start + batch)
            bar.update(len(pairs[chunk]))
    return found


class _Held:
    """Activations of the pictures that are still to be compared."""

    def __init__(
        self,
        extractor: Extractor,
        name: str,
        pairs: Sequence[tuple[Picture, Picture]],
        pixels: PixelCache,
        ctx: Context,
        networks: Networks,
    ) -> None:
        self.name = name
        self.network: Network = networks.open(extractor, ctx)
        order = list(dict.fromkeys(picture for pair in pairs for picture in pair))
        self.ahead = pixels.walk(order, batch_of(extractor), ctx.workers)
        self.last = {picture: index for index, pair in enumerate(pairs) for picture in pair}
        self.activations: dict[Picture, Any] = {}

    def distances(self, pairs: Sequence[tuple[Picture, Picture]]) -> np.ndarray:
        while any(picture not in self.activations for pair in pairs for picture in pair):
            self._look()
        found = self.network.distances([(self.activations[one], self.activations[other]) for one, other in pairs])
        return _kept(self.name, "distances", found, (len(pairs),))

    def _look(self) -> None:
        """The next batch of pictures, in the order in which pairs ask for them."""
        chunk, images = next(self.ahead)
        found = self.network.activations(images)
        if len(found) != len(chunk):
            raise BenchError(
                f"extractor {self.name} returned activations of {len(found)} images; "
                f"its contract is one of each of {len(chunk)}: mend its network"
            )
        self.activations.update(zip(chunk, found, strict=True))

    def drop(self, pairs: Sequence[tuple[Picture, Picture]], done: int) -> None:
        for picture in {picture for pair in pairs for picture in pair if self.last[picture] < done}:
            del self.activations[picture]
