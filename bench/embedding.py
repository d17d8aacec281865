"""Images through an extractor's network, each once: rows that are known come from a cache beside the store.

A row is known by the bytes of its image file, the extractor (name, version, parameters, weights), the size the image
was squashed to and its view. Folder names, masks and neighbours play no part, so a set that shares images with another,
or comes again with one image more, costs only what is new.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.contracts import Context, Extractor, Network
from bench.errors import BenchError
from bench.pixels import Picture, Pixels
from bench.spec import key
from bench.store import sha256_file

SCHEMA = 1


@dataclass(frozen=True)
class Rows:
    """Feature rows on disk, one file an image and view."""

    folder: Path
    identity: Mapping[str, Any]

    def path(self, picture: Picture, digest: str) -> Path:
        size = list(picture.size) if picture.size else None
        space = key({"schema": SCHEMA, "extractor": self.identity, "size": size, "view": picture.view})
        return self.folder / space[:16] / f"{digest[:40]}.npy"

    def load(self, path: Path, dim: int) -> np.ndarray | None:
        """None where there is no whole row of that length: a cache may be cut short or emptied at any time."""
        try:
            row = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return row if row.shape == (dim,) and row.dtype == np.float32 else None

    def save(self, path: Path, row: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        with part.open("wb") as stream:
            np.save(stream, row, allow_pickle=False)
        os.replace(part, path)


def embed(
    extractor: Extractor, name: str, pictures: Sequence[Picture], rows: Rows | None, pixels: Pixels, ctx: Context
) -> np.ndarray:
    """float32 (n, dim). The network is opened only when a row is unknown; equal files are looked at once."""
    digests = {path: sha256_file(path) for path in {picture.path for picture in pictures}} if rows else {}
    places = [rows.path(picture, digests[picture.path]) if rows else None for picture in pictures]
    features = np.empty((len(pictures), extractor.dim), dtype=np.float32)
    new: dict[object, list[int]] = {}
    for index, (place, picture) in enumerate(zip(places, pictures, strict=True)):
        row = rows.load(place, extractor.dim) if rows and place else None
        if row is None:
            new.setdefault(place or picture, []).append(index)
        else:
            features[index] = row
    first = [indices[0] for indices in new.values()]
    for chunk, found in _forward(extractor, name, [pictures[index] for index in first], pixels, ctx):
        for index, row in zip(first[chunk], found, strict=True):
            place = places[index]
            features[new[place or pictures[index]]] = row
            if rows and place:
                rows.save(place, row)
    return features


def _forward(
    extractor: Extractor, name: str, pictures: list[Picture], pixels: Pixels, ctx: Context
) -> Iterator[tuple[slice, np.ndarray]]:
    """Features of each chunk of pictures, with its place among them."""
    if not pictures:
        return
    network, batch = extractor.open(ctx), batch_of(extractor)
    with ctx.progress.bar(len(pictures), "image") as bar:
        for start in range(0, len(pictures), batch):
            chunk = slice(start, start + batch)
            found = network.features(pixels.load(pictures[chunk], ctx.workers))
            count = len(pictures[chunk])
            if found.shape != (count, extractor.dim) or found.dtype != np.float32:
                raise BenchError(
                    f"extractor {name} returned {found.dtype} {found.shape}, "
                    f"its contract is float32 {(count, extractor.dim)}"
                )
            yield chunk, found
            bar.update(count)


def batch_of(extractor: Extractor) -> int:
    """Images in one forward pass: the extractor's parameter, or one where it has none."""
    return getattr(extractor.params, "batch", 1)


def distances(
    network: Callable[[], Network], pairs: Sequence[tuple[Picture, Picture]], batch: int, pixels: Pixels, ctx: Context
) -> np.ndarray:
    """float32 (n,) of pairs of pictures: each picture goes through the network once.

    Its activations are held from the first of its pairs to the last. Pictures that come up soon join the same batch.
    """
    if not pairs:
        return np.empty(0, dtype=np.float32)
    opened = network()
    order = list(dict.fromkeys(picture for pair in pairs for picture in pair))
    last = {picture: index for index, pair in enumerate(pairs) for picture in pair}
    found, seen = np.empty(len(pairs), dtype=np.float32), 0
    held: dict[Picture, Any] = {}
    with ctx.progress.bar(len(pairs), "pair") as bar:
        for start in range(0, len(pairs), batch):
            here = range(start, min(start + batch, len(pairs)))
            while any(picture not in held for index in here for picture in pairs[index]):
                chunk = order[seen : seen + batch]
                held.update(zip(chunk, opened.activations(pixels.load(chunk, ctx.workers)), strict=True))
                seen += len(chunk)
            found[here.start : here.stop] = opened.distances([(held[a], held[b]) for a, b in (pairs[i] for i in here)])
            for picture in {picture for index in here for picture in pairs[index] if last[picture] < here.stop}:
                del held[picture]
            bar.update(len(here))
    return found
