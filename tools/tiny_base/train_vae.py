"""Trains the tiny VAE: AutoencoderKL, 64 px to 8 × 16 × 16 latents, mean squared error and a faint KL term.

At first half of the steps decode latents that were made smaller, and ask for the image as small: latents whose coarse
part is the image's are easier for a U-Net (Kouzelis et al., EQ-VAE, ICML 2025). Then all steps ask for the whole image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from tools.tiny_base.trainee import Trainee, muon, note

CONFIG = {
    "block_out_channels": (32, 64, 96),
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "layers_per_block": 1,
    "latent_channels": 8,
    "norm_num_groups": 8,
    "sample_size": 64,
}
KL_WEIGHT = 1e-6
SIDES = (6, 8, 10, 12)
"""Sides of the latents that are made smaller."""


@dataclass(frozen=True)
class Phase:
    """Steps with a schedule and a checkpoint of their own; `smaller`: the share in which latents are made smaller."""

    name: str
    steps: int
    lr: float
    smaller: float


PHASES = (Phase("smooth", 3200, 3e-3, 0.5), Phase("sharp", 1600, 2e-3, 0.0))


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def train_vae(pool: np.ndarray, out: Path, batch: int, seed: int) -> AutoencoderKL:
    """Train with checkpoints in `out`; a second call goes on from there. Returns the moving average."""
    torch.manual_seed(seed)
    model = AutoencoderKL(**CONFIG)
    for number, phase in enumerate(PHASES):
        trainee = Trainee(model, phase.lr, muon)
        for step in trainee.steps(phase.steps, out / f"vae_{phase.name}.ckpt"):
            rng = np.random.default_rng([seed, number, step])
            torch.manual_seed(int(rng.integers(2**31)))
            error, loss = _loss(model, to_tensor(pool[rng.integers(len(pool), size=batch)]), phase, rng)
            trainee.learn(loss, step)
            if step % 20 == 0:
                psnr = -10 * math.log10(error / 4)
                note(out / "vae_loss.csv", sum(one.steps for one in PHASES[:number]) + step, loss=error, psnr=psnr)
        model.load_state_dict(trainee.average)
    model.eval()
    model.register_to_config(scaling_factor=_scaling_factor(model, pool[:512]))
    return model


def _loss(
    model: AutoencoderKL, images: torch.Tensor, phase: Phase, rng: np.random.Generator
) -> tuple[float, torch.Tensor]:
    """The mean squared error, and what is learned from."""
    with torch.autocast("cpu", torch.bfloat16):
        posterior = model.encode(images).latent_dist
        latents = posterior.sample().float()
        if rng.uniform() < phase.smaller:
            side = int(rng.choice(SIDES))
            latents, images = _resized(latents, side), _resized(images, side * images.shape[-1] // latents.shape[-1])
        back = model.decode(latents).sample
    error = torch.nn.functional.mse_loss(back.float(), images)
    return error.item(), error + KL_WEIGHT * posterior.kl().mean()


def _resized(images: torch.Tensor, side: int) -> torch.Tensor:
    return torch.nn.functional.interpolate(images, size=(side, side), mode="bilinear", antialias=True)


@torch.inference_mode()
def _scaling_factor(model: AutoencoderKL, pixels: np.ndarray) -> float:
    """1 / standard deviation of the latents, so that the U-Net sees unit variance."""
    return round(1 / model.encode(to_tensor(pixels)).latent_dist.mode().std().item(), 5)
