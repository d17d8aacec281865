"""Parameters that generators on a base model share."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contracts import param
from generators.denoising.params import TrainingParams


@dataclass(frozen=True, kw_only=True)
class LatentParams:
    """The base model, and the size at which images go through its autoencoder."""

    base: str = param(
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "base model: diffusers folder, hub name or `tiny` (paper: Stable Diffusion 1.5)",
    )
    size: int = param(
        384, "images are resized to this square, without keeping the aspect (paper)", unit="px", low=32, high=2048
    )


@dataclass(frozen=True, kw_only=True)
class DiffusionParams(TrainingParams, LatentParams):
    """Defaults are the reference paper's protocol, from the paper or, where it is silent, from its authors' code."""

    steps: int = param(3000, "optimiser steps N (paper; 1500 for its stain and faeces sets)", low=1)
    batch: int = param(48, "images an optimiser step, over all devices (code: 8 devices × 6)", low=1)
    lr: float = param(1e-5, "learning rate of AdamW, constant (code)", low=0.0)
    weight_decay: float = param(1e-2, "of AdamW (code: torch's default)", low=0.0)
    prompt: str = param("A photo of a polyp.", "used where a pair has no prompt of its own (authors, on polyps)")
    empty_prompt: float = param(0.05, "share of prompts dropped in training (code)", low=0.0, high=1.0)
    sampler_steps: int = param(50, "steps of deterministic DDIM, eta 0 (code)", low=1, high=1000)
    guidance: float = param(9.0, "scale of classifier-free guidance (code)", low=0.0)
