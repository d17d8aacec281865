"""Training and sampling around a `Method`: what the diffusion generators share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.contracts import Context, Cost, Generator, Split
from bench.errors import BenchError
from generators.diffusion.base import base_folder, missing_base
from generators.diffusion.params import DiffusionParams

if TYPE_CHECKING:
    from generators.diffusion.base import Base
    from generators.diffusion.method import Method


class DiffusionGenerator(Generator):
    """A pretrained latent diffusion model steered by masks. A subclass says how in `method`."""

    requires = ("torch", "diffusers", "transformers", "safetensors")
    Params = DiffusionParams

    def method(self, base: Base, seed: int) -> Method:
        """The networks with their initial weights, on the base model's device."""
        raise NotImplementedError

    def base(self) -> str:
        return self.params.base

    def size(self) -> tuple[int, int]:
        return (self.params.size, self.params.size)

    def files(self) -> tuple[Path, ...]:
        folder = base_folder(self.params.base)
        return (folder,) if folder else ()

    def missing(self) -> tuple[str, ...]:
        return missing_base(self.params.base)

    def details(self) -> tuple[str, ...]:
        import torch

        from generators.diffusion.hollow import hollow_base, millions

        base, what = hollow_base(self.params.base)
        with torch.device("meta"):
            method = self.method(base, 0)
        trained = [f"{name.replace('_', ' ')} {millions(module, True)}" for name, module in method.trained.items()]
        models = {"VAE": base.vae, "text encoder": base.text_encoder, "of the U-Net": base.unet}
        frozen = [f"{name} {millions(module, False)}" for name, module in models.items()]
        return (f"parameters, {what}:", f"  trained: {', '.join(trained)}", f"  frozen: {', '.join(frozen)}")

    def cost(self, action: str, images: int, devices: int) -> Cost:
        from generators.diffusion.cost import cost_of

        return cost_of(self, action, images, devices)

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        from generators.diffusion.batches import draw_batch, split_batch
        from generators.diffusion.latents import prepare_training_set
        from generators.diffusion.train import CURVE, Schedule, write_curve
        from generators.diffusion.train import train as run_training
        from generators.diffusion.weights import save_trained

        p, base = self.params, self._load(ctx)
        method = self.method(base, ctx.seed)
        data = prepare_training_set(base, train, p.size, [s.prompt or p.prompt for s in train], ctx)

        def step(number: int) -> dict[str, float]:
            batch = draw_batch(data, p.batch, number, ctx.seed, p.empty_prompt, ctx.device)
            parts = split_batch(batch, p.accumulation)
            losses = [method.backward(part, number, 1 / len(parts)) for part in parts]
            return {name: sum(part.get(name, 0.0) for part in losses) / len(losses) for name in losses[0]}

        schedule = Schedule(p.steps, p.lr, p.weight_decay, p.checkpoint_every)
        write_curve(model_dir / CURVE, run_training(method.trained, step, schedule, ctx))
        save_trained(model_dir, method.kept)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from generators.diffusion.sample_set import sample_set
        from generators.diffusion.sampling import Sampler
        from generators.diffusion.weights import load_trained

        p, base = self.params, self._load(ctx)
        method = self.method(base, ctx.seed)
        load_trained(model_dir, method.kept)
        prompts = [sample.prompt or p.prompt for sample in conditions]
        sampler = Sampler(p.sampler_steps, p.guidance)
        sample_set(base, method, sampler, conditions, prompts, p.size, p.sample_batch, out, ctx)

    def _load(self, ctx: Context) -> Base:
        from generators.diffusion.base import load_base

        base = load_base(self.params.base, device=ctx.device, download=ctx.download)
        self.refuse_shapes(base)
        return base

    def refuse_shapes(self, base: Base, devices: int = 1) -> None:
        """BenchError for a batch that cannot be cut into its parts and for a size the base model cannot halve."""
        p = self.params
        if p.batch % (devices * p.accumulation):
            many = f"{devices} devices × " if devices > 1 else ""
            raise BenchError(
                f"{many}accumulation={p.accumulation} does not divide batch={p.batch}; set it to a divisor"
            )
        side, halvings = p.size // 8, len(base.unet.config.block_out_channels) - 1
        if p.size % 8 or side % 2**halvings:
            raise BenchError(f"size={p.size}: base model {p.base} needs a multiple of {8 * 2**halvings}")
