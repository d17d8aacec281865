"""Pairs that a generator makes one at a time, each from its condition alone: written, and resumed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.contracts import Context, Sample, Split, unfinished
from bench.images import save_png

Pair = tuple[np.ndarray, np.ndarray]
"""uint8 image (h, w, 3) and mask (h, w) in {0, 1}."""


def write_pairs(conditions: Split, out: Path, ctx: Context, make: Callable[[Sample], Pair]) -> None:
    """What `make` gives for every condition that has no image yet, images and masks."""

    def write(condition: Sample) -> None:
        image, mask = make(condition)
        # An image says that the pair is finished, so the mask comes first.
        save_png(out / "masks" / f"{condition.id}.png", mask * 255)
        save_png(out / "images" / f"{condition.id}.png", image)

    _each(conditions, out, ctx, write)


def write_images(conditions: Split, out: Path, ctx: Context, make: Callable[[Sample], np.ndarray]) -> None:
    """Images alone, of a generator that follows the masks it is given."""
    _each(conditions, out, ctx, lambda one: save_png(out / "images" / f"{one.id}.png", make(one)))


def _each(conditions: Split, out: Path, ctx: Context, write: Callable[[Sample], None]) -> None:
    left = unfinished(conditions, out)
    with ctx.progress.bar(len(conditions), "image", done=len(conditions) - len(left)) as bar:
        for condition in left:
            write(condition)
            bar.update()


def own_rng(ctx: Context, condition: Sample) -> np.random.Generator:
    """Random numbers that depend on the seed and the condition's id, not on what was made before."""
    return np.random.default_rng([ctx.seed, zlib.crc32(condition.id.encode())])
