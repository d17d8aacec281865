"""The pairs of one training step with their random part, as every method's loss takes them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

TIMESTEPS = 1000
"""Steps of the noise schedule; t runs from 0 to one less."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Scaled latents, noise (n, c, h, w); t int64 (n,); context (n, tokens, width); hints (n, 3, fh, fw) in [0, 1].

    `mask` is in {0, 1}, the same in its three channels; `image` is the pair's, in RGB.
    """

    latents: torch.Tensor
    noise: torch.Tensor
    t: torch.Tensor
    context: torch.Tensor
    mask: torch.Tensor
    image: torch.Tensor

    def noisy(self, latents: torch.Tensor, alphas: torch.Tensor) -> torch.Tensor:
        """sqrt(a) latents + sqrt(1 - a) noise at each sample's t."""
        a = alphas[self.t].view(-1, 1, 1, 1)
        return a.sqrt() * latents + (1 - a).sqrt() * self.noise
