"""The pairs of one training step with their random part, drawn from (seed, step) alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from generators.denoising.rows import pick_rows

Augment = Callable[[torch.Tensor, np.random.Generator], torch.Tensor]
"""Changes one pair, float32 (4, h, w): the image in [-1, 1] and its mask in {-1, 1}, alike."""


@dataclass(frozen=True, kw_only=True)
class PixelBatch:
    """`images` float32 (n, 3, h, w) in [-1, 1], `masks` (n, 1, h, w) in [0, 1], `noise` like the images, `t` (n,)."""

    images: torch.Tensor
    masks: torch.Tensor
    noise: torch.Tensor
    t: torch.Tensor

    def noisy(self, alphas: torch.Tensor) -> torch.Tensor:
        """sqrt(a) images + sqrt(1 - a) noise at each pair's t."""
        a = alphas[self.t].view(-1, 1, 1, 1)
        return a.sqrt() * self.images + (1 - a).sqrt() * self.noise


@dataclass(frozen=True, kw_only=True)
class PixelPlan:
    """Images uint8 (n, h, w, 3), masks uint8 (n, h, w) in {0, 1}, and how a step's batch is drawn from them."""

    images: np.ndarray
    masks: np.ndarray
    batch: int
    timesteps: int
    seed: int
    device: str
    augment: Augment | None = None
    unmasked: float = 0.0
    """Share of the steps whose whole batch has empty masks."""

    def draw(self, step: int, part: int, parts: int) -> PixelBatch:
        """Micro-batch `part` of `parts` equal ones. Drawn whole on the CPU: equal on every device, in any parts."""
        mine = slice(part * self.batch // parts, (part + 1) * self.batch // parts)
        rows = pick_rows(len(self.images), self.batch, step, self.seed)
        draw = torch.Generator().manual_seed(int(np.random.default_rng([self.seed, 2, step]).integers(2**62)))
        noise = torch.randn((self.batch, 3, *self.images.shape[1:3]), generator=draw)[mine]
        t = torch.randint(0, self.timesteps, (self.batch,), generator=draw)[mine]
        places = range(*mine.indices(self.batch))
        pairs = torch.stack([self._pair(rows[place], step, place) for place in places]).to(self.device)
        hidden = np.random.default_rng([self.seed, 4, step]).random() < self.unmasked
        images, masks = pairs[:, :3], torch.zeros_like(pairs[:, 3:]) if hidden else (pairs[:, 3:] + 1) / 2
        return PixelBatch(images=images, masks=masks, noise=noise.to(self.device), t=t.to(self.device))

    def _pair(self, row: int, step: int, place: int) -> torch.Tensor:
        pair = torch.cat([as_pixels(self.images[row]), as_mask(self.masks[row]) * 2 - 1])
        return self.augment(pair, np.random.default_rng([self.seed, 3, step, place])) if self.augment else pair


def as_pixels(image: np.ndarray) -> torch.Tensor:
    """uint8 (h, w, 3) -> float32 (3, h, w) in [-1, 1]."""
    return torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1) / 127.5 - 1


def as_mask(mask: np.ndarray) -> torch.Tensor:
    """uint8 (h, w) in {0, 1} -> float32 (1, h, w)."""
    return torch.from_numpy(mask.astype(np.float32))[None]
