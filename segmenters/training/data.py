"""Training pairs decoded once into files that are mapped from disk, and the order of their batches.

A decoded pair is known by the bytes of image and mask, the size and whether the mask is soft: rows of the table, seeds
and segmenters of one size share it, whatever the pair is called.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np

from bench.contracts import Context, Sample, Split
from bench.errors import BenchError
from bench.files.atomic import sha256_file
from bench.files.cache import read_record, tell_damaged, write_record
from bench.images import load_grey, load_mask, load_rgb

FOLDER = "pairs-1"
"""The number rises when decoding changes."""


@dataclass(frozen=True)
class Pairs:
    """Decoded pairs, one record of the cache each: the image's bytes, the mask's."""

    paths: tuple[Path, ...]
    size: int

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, rows: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 images (n, size, size, 3) and masks (n, size, size): 0 and 1, or soft ones up to 255."""
        images = np.empty((len(rows), self.size, self.size, 3), np.uint8)
        masks = np.empty((len(rows), self.size, self.size), np.uint8)
        whole, flat = images[0].size, masks[0].size
        for index, row in enumerate(rows):
            # numpy's own map looks the whole path up first, which takes longer than a small image.
            with self.paths[row].open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:
                images[index] = np.frombuffer(mapped, np.uint8, whole).reshape(images[0].shape)
                masks[index] = np.frombuffer(mapped, np.uint8, flat, whole).reshape(masks[0].shape)
        return images, masks


def decode_pairs(samples: Split, size: int, soft: bool, ctx: Context) -> Pairs:
    """Resize every pair to `size` px that is not in the cache: image bilinear, mask nearest, or bilinear if `soft`."""
    folder = (ctx.cache or ctx.workdir) / FOLDER / f"{size}{'-soft' if soft else ''}"
    damaged: list[Path] = []
    paths = tuple(_decoded(sample, size, soft, folder, damaged) for sample in samples)
    tell_damaged(damaged, ctx.progress)
    return Pairs(paths, size)


def _decoded(sample: Sample, size: int, soft: bool, folder: Path, damaged: list[Path]) -> Path:
    path = folder / hashlib.sha256(_digest(sample.image) + _digest(sample.mask)).hexdigest()[:40]
    if read_record(path, size * size * 4, damaged) is None:
        load = load_grey if soft else load_mask
        write_record(path, load_rgb(sample.image, (size, size)).tobytes() + load(sample.mask, (size, size)).tobytes())
    return path


def _digest(path: Path) -> bytes:
    try:
        return bytes.fromhex(sha256_file(path))
    except OSError as error:
        raise BenchError(f"{path}: not a readable image ({error.strerror}); replace or remove it") from None


def epoch_batches(count: int, batch: int, epoch: int, seed: int) -> list[np.ndarray]:
    """Rows of each batch of an epoch, from (seed, epoch) alone; the last may be smaller.

    A last image that would be alone joins the batch before: normalisation over one value fails.
    """
    order = np.random.default_rng([seed, epoch]).permutation(count)
    starts = list(range(0, count, batch))
    if batch > 1 and len(starts) > 1 and count - starts[-1] == 1:
        starts.pop()
    return np.split(order, starts[1:])
