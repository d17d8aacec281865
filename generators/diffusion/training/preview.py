"""Pictures of samples on fixed masks while a model trains, by the sampler that makes the set in the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.contracts import Split
from bench.images import load_mask, load_rgb
from generators.denoising.pictures import evaluating, tile
from generators.diffusion.base_model.coding import encode_distinct, encode_prompts
from generators.diffusion.sampling.sample_set import sample_part
from generators.diffusion.sampling.sampler import SamplingJob

COLUMNS = 4


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
