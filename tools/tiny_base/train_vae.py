"""Trains the tiny VAE: AutoencoderKL, 64 px to 6 × 8 × 8 latents, mean squared error and a faint KL term."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from tools.tiny_base.trainee import Trainee, muon, note

CONFIG = {
    "block_out_channels": (16, 32, 64, 96),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 1,
    "latent_channels": 6,
    "norm_num_groups": 8,
    "sample_size": 64,
}
KL_WEIGHT = 1e-6


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def train_vae(pool: np.ndarray, out: Path, steps: int, batch: int, seed: int, lr: float = 3e-3) -> AutoencoderKL:
    """Train with checkpoints in `out/vae.ckpt`; a second call goes on from there. Returns the moving average."""
    torch.manual_seed(seed)
    model = AutoencoderKL(**CONFIG)
    trainee = Trainee(model, lr, muon)
    for step in trainee.steps(steps, out / "vae.ckpt"):
        rng = np.random.default_rng([seed, step])
        torch.manual_seed(seed * 1_000_003 + step)
        images = to_tensor(pool[rng.integers(len(pool), size=batch)])
        posterior = model.encode(images).latent_dist
        error = torch.nn.functional.mse_loss(model.decode(posterior.sample()).sample, images)
        trainee.learn(error + KL_WEIGHT * posterior.kl().mean(), step)
        if step % 20 == 0:
            note(out / "vae_loss.csv", step, loss=error.item(), psnr=-10 * math.log10(error.item() / 4))
    model.load_state_dict(trainee.average)
    model.eval()
    model.register_to_config(scaling_factor=_scaling_factor(model, pool[:512]))
    return model


@torch.inference_mode()
def _scaling_factor(model: AutoencoderKL, pixels: np.ndarray) -> float:
    """1 / standard deviation of the latents, so that the U-Net sees unit variance."""
    return round(1 / model.encode(to_tensor(pixels)).latent_dist.mode().std().item(), 5)
