"""Parameters that all generators on pixels share."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contracts import param
from generators.denoising.params import TrainingParams


@dataclass(frozen=True, kw_only=True)
class PixelParams(TrainingParams):
    """A subclass gives its authors' values."""

    size: int = param(256, "images are resized to this square", unit="px", low=32, high=2048)
    width: int = param(64, "channels of the U-Net's first level: a multiple of its 32 norm groups", low=32)
    checkpoint_every: int = param(1000, "steps between checkpoints", low=1, key=False)
    preview_every: int = param(5000, "steps between pictures of samples on fixed masks; 0: none", low=0, key=False)
    lr: float = param(1e-4, "learning rate", low=0.0)
    sampler_steps: int = param(250, "steps of the sampler", low=1, high=1000)
