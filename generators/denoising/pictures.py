"""Pictures of several images side by side, and networks in evaluation mode while they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from torch import nn

from bench.contracts import Split
from bench.images import load_mask, load_rgb

COLUMNS = 4
GAP = 2


def preview(
    pairs: Split, size: int, modules: Mapping[str, nn.Module], make: Callable[[Split], np.ndarray]
) -> np.ndarray:
    """uint8 (h, w, 3): a column for each of the first pairs; rows: mask, real image, what `make` returns for them.

    Meanwhile `modules` are in evaluation mode. Nothing that training sees is changed.
    """
    shown, square = pairs[:COLUMNS], (size, size)
    masks = [np.repeat(load_mask(pair.mask, square)[..., None] * 255, 3, 2) for pair in shown]
    reals = [load_rgb(pair.image, square) for pair in shown]
    with evaluating(modules):
        samples = make(shown)
    return tile([masks, reals, list(samples)])


@contextmanager
def evaluating(modules: Mapping[str, nn.Module]) -> Iterator[None]:
    """The modules in evaluation mode; after it each of their submodules in the mode it was in."""
    before = [(part, part.training) for module in modules.values() for part in module.modules()]
    for module in modules.values():
        module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def tile(rows: list[list[np.ndarray]]) -> np.ndarray:
    """Pictures of one size, uint8 (h, w, 3), on a white ground with white between them."""
    height, width = rows[0][0].shape[:2]
    shape = (len(rows) * (height + GAP) + GAP, len(rows[0]) * (width + GAP) + GAP, 3)
    grid = np.full(shape, 255, np.uint8)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
            grid[top : top + height, left : left + width] = picture
    return grid
