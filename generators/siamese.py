"""Siamese-Diffusion: one ControlNet learns from masks with an image branch as its teacher; masks alone sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contracts import Context, Generator, Split, param
from bench.errors import BenchError
from generators.diffusion.base import base_folder, missing_base

if TYPE_CHECKING:
    from generators.diffusion.base import Base
    from generators.diffusion.siamese_step import Networks, Recipe


@dataclass(frozen=True)
class Params:
    """Defaults are the paper's; its batch of 48 was 8 devices × 6."""

    base: str = param("stable-diffusion-v1-5/stable-diffusion-v1-5", "base model: diffusers folder, hub name or `tiny`")
    size: int = param(384, "images are squashed to this square", unit="px", low=32, high=2048)
    steps: int = param(3000, "optimiser steps N", low=1)
    batch: int = param(48, "images an optimiser step", low=1)
    accumulation: int = param(1, "micro-batches an optimiser step; must divide batch", low=1)
    lr: float = param(1e-5, "learning rate of AdamW, constant", low=0.0)
    weight_decay: float = param(1e-2, "of AdamW", low=0.0)
    prompt: str = param("A photo of a polyp.", "used where a pair has no prompt of its own")
    empty_prompt: float = param(0.05, "share of prompts dropped in training", low=0.0, high=1.0)
    dhi: bool = param(True, "Dense Hint Input; false: ControlNet's own hint block (Table 5)")
    online_augmentation: bool = param(True, "train on the image branch's estimate of z_0 too (Table 5)")
    noise_consistency: bool = param(True, "noise consistency loss L_c (Table 5)")
    w_c: float = param(1.0, "weight of L_c (Table 6)", low=0.0)
    w_m: float = param(1.0, "weight of the mask's part in c_mix", low=0.0)
    augment_after: float = param(1 / 3, "share of training before online augmentation begins", low=0.0, high=1.0)
    augment_t: int = param(200, "online augmentation for t up to this (code: <=, paper: <)", low=0, high=999)
    sampler_steps: int = param(50, "steps of deterministic DDIM (eta 0)", low=1, high=1000)
    guidance: float = param(9.0, "scale of classifier-free guidance", low=0.0)
    checkpoint_every: int = param(250, "steps between checkpoints", low=1, key=False)
    sample_batch: int = param(16, "images sampled at once", low=1, key=False)


class Siamese(Generator):
    """Noise-consistent Siamese-Diffusion: mask and image share one ControlNet with Dense Hint Input.

    Trained: ControlNet with hint block (all four losses) and the U-Net's decoder (mask branch only). Frozen: VAE, text
    encoder, U-Net encoder and middle. Sampling sees the mask alone.

    Where code and paper differ: online augmentation takes t <= 200 (paper: t < 200); images are rounded to 8 bits
    (the authors' script truncates); a pair's mask is the conditioning mask (their script writes a dithered one).
    """

    version = 1
    requires = ("torch", "diffusers", "transformers", "safetensors")
    cite = "Qiu et al., Noise-Consistent Siamese-Diffusion for Medical Image Synthesis and Segmentation, CVPR 2025"
    Params = Params

    def base(self) -> str:
        return self.params.base

    def size(self) -> tuple[int, int]:
        return (self.params.size, self.params.size)

    def files(self) -> tuple[Path, ...]:
        folder = base_folder(self.params.base)
        return (folder,) if folder else ()

    def missing(self) -> tuple[str, ...]:
        return missing_base(self.params.base)

    def recipe(self) -> Recipe:
        """The method's switches as the training step takes them."""
        from generators.diffusion.siamese_step import Recipe

        p = self.params
        return Recipe(p.noise_consistency, p.online_augmentation, p.w_c, p.w_m, p.augment_after, p.augment_t)

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        from generators.diffusion.base import load_base
        from generators.diffusion.batches import draw_batch, split_batch
        from generators.diffusion.latents import prepare_training_set
        from generators.diffusion.siamese_step import backward_siamese
        from generators.diffusion.train import CURVE, Schedule, write_curve
        from generators.diffusion.train import train as run_training
        from generators.diffusion.weights import save_trained

        p, recipe = self.params, self.recipe()
        if p.batch % p.accumulation:
            raise BenchError(f"siamese.accumulation={p.accumulation} does not divide siamese.batch={p.batch}")
        base = load_base(p.base, device=ctx.device, download=ctx.download)
        nets = self._networks(base, ctx)
        data = prepare_training_set(base, train, p.size, [s.prompt or p.prompt for s in train], ctx)

        def step(number: int) -> dict[str, float]:
            batch = draw_batch(data, p.batch, number, ctx.seed, p.empty_prompt, ctx.device)
            parts = split_batch(batch, p.accumulation)
            losses = [backward_siamese(nets, part, recipe, number, p.steps, 1 / len(parts)) for part in parts]
            return {name: sum(part.get(name, 0.0) for part in losses) / len(losses) for name in losses[0]}

        modules = {"controlnet": nets.controlnet, "decoder": nets.decoder}
        schedule = Schedule(p.steps, p.lr, p.weight_decay, p.checkpoint_every)
        write_curve(model_dir / CURVE, run_training(modules, step, schedule, ctx))
        save_trained(model_dir, nets.controlnet, nets.decoder)

    def _networks(self, base: Base, ctx: Context) -> Networks:
        import torch

        from generators.diffusion.control import Decoder, build_controlnet
        from generators.diffusion.siamese_step import Networks

        unet = base.unet
        side, halvings = self.params.size // 8, len(unet.config.block_out_channels) - 1
        if self.params.size % 8 or side % 2**halvings:
            raise BenchError(f"siamese.size={self.params.size}: this base model needs a multiple of {8 * 2**halvings}")
        # The hint block's initial weights are random: from the stage's seed, like everything else.
        torch.manual_seed(ctx.seed)
        controlnet = build_controlnet(unet, self.params.dhi).to(ctx.device).train()
        decoder = Decoder(unet).requires_grad_(True)
        alphas = base.scheduler.alphas_cumprod.to(ctx.device)
        return Networks(unet, controlnet, decoder, alphas)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from generators.diffusion.base import load_base
        from generators.diffusion.sample_set import sample_set
        from generators.diffusion.sampling import Sampler
        from generators.diffusion.weights import load_trained

        p = self.params
        base = load_base(p.base, device=ctx.device, download=ctx.download)
        nets = self._networks(base, ctx)
        load_trained(model_dir, nets.controlnet, nets.decoder)
        sampler = Sampler(p.sampler_steps, p.guidance)
        prompts = [sample.prompt or p.prompt for sample in conditions]
        sample_set(base, nets.controlnet, nets.decoder, sampler, conditions, prompts, p.size, p.sample_batch, out, ctx)
