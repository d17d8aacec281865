"""The pixels of a training set, resized once for all generators with equal bytes."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
import torch

from bench.contracts import Context, Split
from bench.images import load_mask, load_rgb
from generators.denoising.cache import once
from generators.denoising.letterbox import boxed_mask, boxed_rgb

PIXELS = "1"
"""Raised when `bench.images` reads the same file as other pixels."""


def load_pixels(train: Split, size: int, ctx: Context, letterbox: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, size, size, 3) and masks uint8 (n, size, size) in {0, 1}, on disk, mapped into memory.

    They fill the square, whatever their aspect, or with `letterbox` keep it.
    """
    files = (path.read_bytes() for sample in train for path in (sample.image, sample.mask))
    made = [PIXELS, str(size), "letterbox"] if letterbox else [PIXELS, str(size)]
    origin: Iterable[str | bytes] = chain(made, files)
    pixels = once(ctx, "pixels", origin, lambda: _resize(train, size, ctx, letterbox))
    return pixels["images"].numpy(), pixels["masks"].numpy()


def _resize(train: Split, size: int, ctx: Context, letterbox: bool) -> dict[str, torch.Tensor]:
    images = np.empty((len(train), size, size, 3), np.uint8)
    masks = np.empty((len(train), size, size), np.uint8)

    def read(row: int) -> None:
        pair = train[row]
        images[row] = boxed_rgb(pair.image, size) if letterbox else load_rgb(pair.image, (size, size))
        masks[row] = boxed_mask(pair.mask, size) if letterbox else load_mask(pair.mask, (size, size))

    with ThreadPoolExecutor(max(1, ctx.workers)) as readers, ctx.progress.bar(len(train), "pair") as bar:
        for _ in readers.map(read, range(len(train))):
            bar.update(1)
    return {"images": torch.from_numpy(images), "masks": torch.from_numpy(masks)}
