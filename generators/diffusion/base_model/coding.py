"""Pixels and prompts into what the base model computes with, and latents back into pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from generators.diffusion.base_model.model import Base


def tokenize(base: Base, prompts: Sequence[str]) -> torch.Tensor:
    """int64 (n, tokens), padded or cut to the model's length."""
    length = {"padding": "max_length", "max_length": base.tokenizer.model_max_length, "truncation": True}
    return base.tokenizer(list(prompts), return_tensors="pt", **length).input_ids


def encode_prompts(base: Base, prompts: Sequence[str]) -> torch.Tensor:
    """Text embeddings, float32 (n, tokens, width): the last hidden state."""
    with torch.no_grad():
        return base.text_encoder(tokenize(base, prompts).to(base.text_encoder.device))[0]


def encode_images(base: Base, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of the scaled posterior of images (n, 3, h, w) in [-1, 1]; each (n, c, h/f, w/f)."""
    with torch.no_grad():
        posterior = base.vae.encode(images).latent_dist
        scale = base.vae.config.scaling_factor
        return posterior.mean * scale, posterior.std * scale


def decode_latents(base: Base, latents: torch.Tensor) -> torch.Tensor:
    """Scaled latents -> uint8 (n, h, w, 3), rounded (the authors' script truncates)."""
    with torch.inference_mode():
        pixels = base.vae.decode(latents / base.vae.config.scaling_factor).sample
        return ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu()


def reconstruct(base: Base, pixels: np.ndarray) -> np.ndarray:
    """uint8 (n, h, w, 3) through the autoencoder and back: the mean of the posterior, decoded."""
    mean, _ = encode_images(base, as_target(pixels).to(base.vae.device))
    return decode_latents(base, mean).numpy()


def encode_distinct(base: Base, prompts: list[str]) -> torch.Tensor:
    """Embeddings (n, tokens, width) of prompts of which most are equal: each distinct one is encoded once."""
    distinct = list(dict.fromkeys(prompts))
    embedded = encode_prompts(base, distinct)
    return embedded[[distinct.index(prompt) for prompt in prompts]]


def as_target(pixels: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1
