"""Pictures of samples on fixed masks while a model trains, by the sampler that makes the set in the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.contracts import Split
from generators.denoising.pictures import preview
from generators.diffusion.base_model.coding import encode_distinct, encode_prompts
from generators.diffusion.sampling.sample_set import sample_part
from generators.diffusion.sampling.sampler import SamplingJob


@dataclass(frozen=True)
class Preview:
    """The first pairs of the training set, in the same order and from the same noise at every call."""

    job: SamplingJob
    pairs: Split
    prompts: list[str]

    def draw(self) -> np.ndarray:
        """uint8 (h, w, 3): a column a pair; rows: mask, real image, sample. Changes nothing that training sees."""
        return preview(self.pairs, self.job.size, self.job.method.trained, self._sample)

    def _sample(self, shown: Split) -> np.ndarray:
        base = self.job.base
        context, empty = encode_distinct(base, self.prompts[: len(shown)]), encode_prompts(base, [""])
        return sample_part(self.job, shown, context, empty, lambda: None)
