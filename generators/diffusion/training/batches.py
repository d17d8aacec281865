"""The random part of a training step, drawn from (seed, step) alone: resuming needs no stored state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from generators.denoising.rows import pick_rows
from generators.diffusion.conditioning.batch import TIMESTEPS, Batch
from generators.diffusion.conditioning.hints import image_hint, mask_hint
from generators.diffusion.training.training_set import TrainingSet


@dataclass(frozen=True)
class BatchPlan:
    """How each step's batch is drawn: `size` pairs, a share of `empty_prompt` in [0, 1] without their text."""

    size: int
    seed: int
    empty_prompt: float
    device: str = "cpu"


def draw_batch(data: TrainingSet, plan: BatchPlan, step: int, part: int = 0, parts: int = 1) -> Batch:
    """Fresh posterior sample, noise, t and dropped prompts for one step; of `parts` equal micro-batches, number `part`.

    Drawn for the whole batch on the CPU: equal on every device, and into however many parts it is divided.
    """
    mine = slice(part * plan.size // parts, (part + 1) * plan.size // parts)
    rows = pick_rows(len(data), plan.size, step, plan.seed)[mine]
    rng = np.random.default_rng([plan.seed, 2, step])
    draw = torch.Generator().manual_seed(int(rng.integers(2**62)))
    shape = (plan.size, *data.mean.shape[1:])
    posterior = torch.randn(shape, generator=draw)[mine]
    noise = torch.randn(shape, generator=draw)[mine]
    t = torch.randint(0, TIMESTEPS, (plan.size,), generator=draw)[mine]
    dropped = torch.from_numpy(rng.random(plan.size) < plan.empty_prompt)[mine].to(data.context.device)
    return Batch(
        latents=(data.mean[rows] + data.std[rows] * posterior.to(data.mean.device)).to(plan.device),
        noise=noise.to(plan.device),
        t=t.to(plan.device),
        context=torch.where(dropped[:, None, None], data.empty_context, data.context[rows]).to(plan.device),
        mask=mask_hint(data.masks[rows]).to(plan.device),
        image=image_hint(data.images[rows]).to(plan.device),
    )
