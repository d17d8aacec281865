"""Trains the tiny VAE: AutoencoderKL, 64 px to 8 × 8 × 8 latents, mean squared error and a faint KL term."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

CONFIG = {
    "block_out_channels": (16, 32, 64, 96),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 1,
    "latent_channels": 8,
    "norm_num_groups": 8,
    "sample_size": 64,
}
KL_WEIGHT = 1e-6
EMA = 0.998


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def train_vae(pool: np.ndarray, out: Path, steps: int, batch: int, seed: int, lr: float = 2e-3) -> AutoencoderKL:
    """Train, checkpointing to `out/vae.ckpt` every 200 steps; a second call goes on from there. Returns the EMA."""
    torch.manual_seed(seed)
    model = AutoencoderKL(**CONFIG)
    optimizer = torch.optim.AdamW(model.parameters(), lr, weight_decay=1e-4)
    average = {name: value.clone() for name, value in model.state_dict().items()}
    start = _resume(out / "vae.ckpt", model, optimizer, average)
    for step in range(start, steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        rng = np.random.default_rng([seed, step])
        torch.manual_seed(seed * 1_000_003 + step)
        images = to_tensor(pool[rng.integers(len(pool), size=batch)])
        posterior = model.encode(images).latent_dist
        error = torch.nn.functional.mse_loss(model.decode(posterior.sample()).sample, images)
        loss = error + KL_WEIGHT * posterior.kl().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        for name, value in model.state_dict().items():
            average[name].lerp_(value, 1 - min(EMA, (1 + step) / (10 + step)))
        if step % 20 == 0:
            _note(out / "vae_loss.csv", step, loss.item(), -10 * math.log10(error.item() / 4))
        if (step + 1) % 200 == 0 or step + 1 == steps:
            _save(out / "vae.ckpt", step + 1, model, optimizer, average)
    model.load_state_dict(average)
    model.eval()
    model.register_to_config(scaling_factor=_scaling_factor(model, pool[:512]))
    return model


@torch.inference_mode()
def _scaling_factor(model: AutoencoderKL, pixels: np.ndarray) -> float:
    """1 / standard deviation of the latents, so that the U-Net sees unit variance."""
    return round(1 / model.encode(to_tensor(pixels)).latent_dist.mode().std().item(), 5)


def _resume(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, average: dict) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    average.update(state["average"])
    return state["step"]


def _save(path: Path, step: int, model: torch.nn.Module, optimizer: torch.optim.Optimizer, average: dict) -> None:
    part = path.with_suffix(".part")
    state = {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average}
    torch.save(state, part)
    part.rename(path)


def _note(path: Path, step: int, *numbers: float) -> None:
    with path.open("a", newline="") as stream:
        csv.writer(stream).writerow([step, *(f"{number:.6g}" for number in numbers)])
