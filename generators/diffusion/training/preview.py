"""Pictures of samples on fixed masks while a model trains, by the sampler that makes the set in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from torch import nn

from bench.contracts import Split
from bench.images import load_mask, load_rgb
from generators.diffusion.base_model.coding import encode_distinct, encode_prompts
from generators.diffusion.sampling.sample_set import sample_part
from generators.diffusion.sampling.sampler import SamplingJob

COLUMNS = 4
GAP = 2


@dataclass(frozen=True)
class Preview:
    """The first pairs of the training set, in the same order and from the same noise at every call."""

    job: SamplingJob
    pairs: Split
    prompts: list[str]

    def draw(self) -> np.ndarray:
        """uint8 (h, w, 3): a column a pair; rows: mask, real image, sample. Changes nothing that training sees."""
        job, pairs, size = self.job, self.pairs[:COLUMNS], (self.job.size, self.job.size)
        masks = [np.repeat(load_mask(pair.mask, size)[..., None] * 255, 3, 2) for pair in pairs]
        reals = [load_rgb(pair.image, size) for pair in pairs]
        context, empty = encode_distinct(job.base, self.prompts[: len(pairs)]), encode_prompts(job.base, [""])
        with evaluating(job.method.trained):
            samples = sample_part(job, pairs, context, empty, lambda: None)
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
