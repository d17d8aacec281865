"""The random part of a training step, drawn from (seed, step) alone: resuming needs no stored state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from generators.diffusion.latents import TrainingSet, image_hint, mask_hint

TIMESTEPS = 1000


@dataclass(frozen=True)
class Batch:
    """Scaled latents, noise (n, c, h, w); t int64 (n,); context (n, tokens, width); hints (n, 3, 8h, 8w) in [0, 1]."""

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


def pick_rows(count: int, batch: int, step: int, seed: int) -> np.ndarray:
    """Rows of step `step`: one permutation after another, so that every pair is seen once an epoch."""
    positions = np.arange(step * batch, (step + 1) * batch)
    epochs = positions // count
    orders = {epoch: np.random.default_rng([seed, 1, int(epoch)]).permutation(count) for epoch in np.unique(epochs)}
    return np.array([orders[epoch][position % count] for epoch, position in zip(epochs, positions, strict=True)])


def draw_batch(data: TrainingSet, batch: int, step: int, seed: int, empty_prompt: float, device: str) -> Batch:
    """Fresh posterior sample, noise, t and dropped prompts for one step. Drawn on the CPU: equal on every device."""
    rows = pick_rows(len(data), batch, step, seed)
    rng = np.random.default_rng([seed, 2, step])
    draw = torch.Generator().manual_seed(int(rng.integers(2**62)))
    shape = (batch, *data.mean.shape[1:])
    latents = data.mean[rows] + data.std[rows] * torch.randn(shape, generator=draw).to(data.mean.device)
    noise = torch.randn(shape, generator=draw)
    t = torch.randint(0, TIMESTEPS, (batch,), generator=draw)
    dropped = torch.from_numpy(rng.random(batch) < empty_prompt).to(data.context.device)
    context = torch.where(dropped[:, None, None], data.empty_context, data.context[rows])
    mask, image = mask_hint(data.masks[rows]), image_hint(data.images[rows])
    return Batch(*(part.to(device) for part in (latents, noise, t, context, mask, image)))


def split_batch(batch: Batch, parts: int) -> list[Batch]:
    """Equal micro-batches for gradient accumulation."""
    fields = [getattr(batch, name).chunk(parts) for name in ("latents", "noise", "t", "context", "mask", "image")]
    return [Batch(*pieces) for pieces in zip(*fields, strict=True)]
