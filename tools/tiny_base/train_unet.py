"""Trains the tiny U-Net and text encoder: noise prediction on the tiny VAE's latents, captions dropped in 10 %."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

from bench.files.atomic import replacing
from generators.diffusion.base_model.model import SCHEDULER
from tools.tiny_base.text import LENGTH, WIDTH, make_text_encoder, save_tokenizer
from tools.tiny_base.train_vae import to_tensor
from tools.tiny_base.trainee import Trainee, adamw, note

CONFIG = {
    "sample_size": 16,
    "block_out_channels": (32, 64, 96),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    # A group of one or two channels would take their mean, and so the colour of the image, away.
    "norm_num_groups": 8,
    "cross_attention_dim": WIDTH,
    "attention_head_dim": 4,
}
EXTRA_CAPTIONS = ("A photo of a polyp.", "A photo of a skin lesion.", "A photo of a lesion.")
EMPTY_CAPTION = 0.1
LEARNING_RATE = 1e-3


class Pair(torch.nn.Module):
    """U-Net and text encoder under one roof, so that one optimiser and one checkpoint serve both."""

    def __init__(self, unet: Any, text: Any) -> None:
        super().__init__()
        self.unet, self.text = unet, text


@dataclass(frozen=True)
class Latents:
    """Scaled posterior means and standard deviations of the whole pool, each float32 (n, c, h, w)."""

    mean: torch.Tensor
    std: torch.Tensor


def train_unet(
    vae: AutoencoderKL, pool: np.ndarray, captions: list[str], out: Path, *, steps: int, batch: int, seed: int
) -> None:
    """Train with checkpoints in `out/unet.ckpt`, then write `out/model` whole."""
    model_dir = out / "model"
    tokenizer = save_tokenizer(model_dir / "tokenizer", [*captions, *EXTRA_CAPTIONS])
    scheduler = DDIMScheduler(**SCHEDULER)
    scheduler.save_pretrained(model_dir / "scheduler")
    latents = _kept_latents(vae, pool, out / "latents.npz")
    tokens = tokenizer(captions + [""], padding="max_length", max_length=LENGTH, return_tensors="pt").input_ids
    torch.manual_seed(seed)
    channels = vae.config.latent_channels
    unet = UNet2DConditionModel(in_channels=channels, out_channels=channels, **CONFIG)
    pair = Pair(unet, make_text_encoder(tokenizer, seed))
    # Muon's steps cost more than this network's own: AdamW learns more in the same time.
    trainee = Trainee(pair, LEARNING_RATE, adamw)
    for step in trainee.steps(steps, out / "unet.ckpt"):
        loss = _loss(pair, latents, tokens, scheduler, np.random.default_rng([seed, step]), batch)
        trainee.learn(loss, step)
        if step % 20 == 0:
            note(out / "unet_loss.csv", step, loss=loss.item())
    pair.load_state_dict(trainee.average)
    _write(pair, vae, model_dir)


def _kept_latents(vae: AutoencoderKL, pool: np.ndarray, path: Path) -> Latents:
    if not path.exists():
        with torch.inference_mode():
            parts = [vae.encode(to_tensor(pool[i : i + 64])).latent_dist for i in range(0, len(pool), 64)]
        mean, std = (
            torch.cat(each) * vae.config.scaling_factor for each in ([p.mean for p in parts], [p.std for p in parts])
        )
        with replacing(path) as part, part.open("wb") as stream:
            np.savez(stream, mean=mean.numpy(), std=std.numpy())
    kept = np.load(path)
    return Latents(torch.from_numpy(kept["mean"]), torch.from_numpy(kept["std"]))


def _loss(
    pair: Pair, pool: Latents, tokens: torch.Tensor, scheduler: DDIMScheduler, rng: np.random.Generator, batch: int
) -> torch.Tensor:
    index = torch.from_numpy(rng.integers(len(pool.mean), size=batch))
    draw = torch.Generator().manual_seed(int(rng.integers(2**62)))
    shape = (batch, *pool.mean.shape[1:])
    latents = pool.mean[index] + pool.std[index] * torch.randn(shape, generator=draw)
    noise = torch.randn(shape, generator=draw)
    t = torch.randint(0, 1000, (batch,), generator=draw)
    empty = torch.from_numpy(rng.random(batch) < EMPTY_CAPTION)
    words = torch.where(empty[:, None], tokens[-1:], tokens[index])
    context = pair.text(words)[0]
    predicted = pair.unet(scheduler.add_noise(latents, noise, t), t, context).sample
    return torch.nn.functional.mse_loss(predicted, noise)


def _write(pair: Pair, vae: AutoencoderKL, model_dir: Path) -> None:
    """Half precision on disk keeps the bundle small; transformers would keep it in memory too, diffusers does not."""
    pair.unet.half().save_pretrained(model_dir / "unet")
    pair.text.save_pretrained(model_dir / "text_encoder")
    vae.half().save_pretrained(model_dir / "vae")
    parts = {
        "vae": ["diffusers", "AutoencoderKL"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "scheduler": ["diffusers", "DDIMScheduler"],
    }
    index = {"_class_name": "StableDiffusionPipeline", **parts}
    (model_dir / "model_index.json").write_text(json.dumps(index, indent=1))
