"""Training pairs decoded once into arrays mapped from disk, and the order of their batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.contracts import Context, Split
from bench.images import load_mask, load_rgb


@dataclass(frozen=True)
class PairArrays:
    """uint8 images (n, size, size, 3) and masks (n, size, size) in {0, 1}."""

    images: np.ndarray
    masks: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def decode_pairs(samples: Split, size: int, name: str, ctx: Context) -> PairArrays:
    """Squash every pair to `size` px (image bilinear, mask nearest); the arrays lie in `ctx.workdir`."""
    shape = (len(samples), size, size)
    images = np.lib.format.open_memmap(ctx.workdir / f"{name}_images.npy", "w+", np.uint8, (*shape, 3))
    masks = np.lib.format.open_memmap(ctx.workdir / f"{name}_masks.npy", "w+", np.uint8, shape)
    for row, sample in enumerate(samples):
        images[row] = load_rgb(sample.image, (size, size))
        masks[row] = load_mask(sample.mask, (size, size))
    return PairArrays(images, masks)


def epoch_batches(count: int, batch: int, epoch: int, seed: int) -> Iterator[np.ndarray]:
    """Rows of each batch of an epoch, from (seed, epoch) alone; the last batch may be smaller."""
    order = np.random.default_rng([seed, epoch]).permutation(count)
    for start in range(0, count, batch):
        yield order[start : start + batch]
