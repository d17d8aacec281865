"""Training and sampling around a `Method`: what the diffusion generators share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.contracts import Context, Cost, Split
from generators.denoising.params import refuse_uneven
from generators.diffusion.base_model.location import TINY, TINY_FOLDER, base_folder, shape_in_words
from generators.diffusion.counts import KNOWN, Counts
from generators.diffusion.latent import LatentGenerator
from generators.diffusion.params import DiffusionParams

if TYPE_CHECKING:
    from generators.denoising.watch import Watch
    from generators.diffusion.base_model.model import Base
    from generators.diffusion.conditioning.method import Method
    from generators.diffusion.sampling.sampler import SamplingJob


class DiffusionGenerator(LatentGenerator):
    """A pretrained latent diffusion model steered by masks. A subclass says how in `method`."""

    requires = (*LatentGenerator.requires, "matplotlib")
    shared = ("fit", "sample")
    Params = DiffusionParams
    shaped_by: ClassVar[tuple[str, ...]] = ()
    """Parameters that decide which networks there are, and which of their parts are trained."""

    def method(self, base: Base, seed: int) -> Method:
        """The networks with their initial weights, on the base model's device."""
        raise NotImplementedError

    def details(self) -> tuple[str, ...]:
        counts = KNOWN.get(self.known_as()) or self.counts()
        heading = f"parameters, {shape_in_words(self.base())}:"
        return (heading, f"  trained: {counts.trained}", f"  frozen: {counts.frozen}")

    def known_as(self) -> tuple[object, ...]:
        """Module, base model and what shapes the networks. A plugin of the user's own has a module of its own."""
        base = {TINY_FOLDER: TINY, None: "sd15"}.get(base_folder(self.base()), "")
        return (type(self).__module__, base, *(getattr(self.params, name) for name in self.shaped_by))

    def counts(self) -> Counts:
        """Parameters of the networks, built without their numbers. Imports torch and diffusers."""
        import torch

        from generators.diffusion.base_model.shapes import meta_base, millions

        base = meta_base(self.base())
        with torch.device("meta"):
            method = self.method(base, 0)
        trained = [f"{name.replace('_', ' ')} {millions(module, True)}" for name, module in method.trained.items()]
        models = {"VAE": base.vae, "text encoder": base.text_encoder, "of the U-Net": base.unet}
        frozen = [f"{name} {millions(module, False)}" for name, module in models.items()]
        return Counts(", ".join(trained), ", ".join(frozen))

    def check_params(self, devices: int) -> None:
        refuse_uneven(self.params, devices)
        super().check_params(devices)

    def try_files(self) -> None:
        from generators.diffusion.base_model.model import load_base

        # The bundled base comes with the suite, whose tests load it.
        if self.base() != TINY and not self.missing():
            self.try_weights(self.method(load_base(self.base()), seed=0))

    def try_weights(self, method: Method) -> None:
        """BenchError where the weights that take the place of training do not fit; here there are none."""

    def cost(self, action: str, images: int, devices: int) -> Cost | None:
        from generators.diffusion.cost import build_meta_run, fit_cost, sample_cost

        self.check_params(devices)
        p, run = self.params, build_meta_run(self.base(), self.method, self.params)
        if action == "fit":
            return fit_cost(run, p, images, devices)
        return sample_cost(run, p, math.ceil(images / devices))

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        from generators.denoising.accumulate import in_parts
        from generators.denoising.learner import Learner, Schedule
        from generators.denoising.loop import train as run_training
        from generators.denoising.memory import memory_advice, training_remedies
        from generators.denoising.precision import arithmetic
        from generators.denoising.recompute import recompute_activations
        from generators.denoising.weights import save_trained
        from generators.diffusion.training.batches import BatchPlan, draw_batch
        from generators.diffusion.training.training_set import prepare_training_set

        p, base = self.params, self._load(ctx)
        method = self.method(base, ctx.seed)
        if p.gradient_checkpointing:
            recompute_activations([base.unet, *method.trained.values()])
        data = prepare_training_set(base, train, p.size, self._prompts(train), ctx)
        plan = BatchPlan(p.batch, ctx.seed, p.empty_prompt, ctx.device)

        def backward(number: int, part: int, parts: int) -> dict[str, float]:
            batch = draw_batch(data, plan, number, part, parts)
            with arithmetic(p.precision, ctx.device):
                return method.backward(batch, number, 1 / parts)

        step = in_parts(backward, p.accumulation, ctx.processes)
        schedule = Schedule(steps=p.steps, lr=p.lr, weight_decay=p.weight_decay, checkpoint_every=p.checkpoint_every)
        watch = self._watch(base, method, train, model_dir, ctx)
        with memory_advice("training", ctx.device, training_remedies(p, ctx.processes.size)):
            run_training(Learner(method.trained, schedule), step, watch, ctx)
        if ctx.processes.rank == 0:
            save_trained(model_dir, method.kept)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from generators.denoising.memory import memory_advice, sampling_remedies
        from generators.diffusion.sampling.sample_set import sample_set

        p, base = self.params, self._load(ctx)
        method = self.method(base, ctx.seed)
        self.load_weights(method, model_dir)
        job = self._job(base, method, ctx)
        with memory_advice("sampling", ctx.device, sampling_remedies(p.sample_batch)):
            sample_set(job, conditions, self._prompts(conditions), p.sample_batch, out)

    def _prompts(self, pairs: Split) -> list[str]:
        return [pair.prompt or self.params.prompt for pair in pairs]

    def _job(self, base: Base, method: Method, ctx: Context) -> SamplingJob:
        from generators.diffusion.sampling.sampler import Sampler, SamplingJob

        p = self.params
        sampler = Sampler(p.sampler_steps, p.guidance, p.precision)
        return SamplingJob(base=base, method=method, sampler=sampler, size=p.size, ctx=ctx)

    def _watch(self, base: Base, method: Method, train: Split, model_dir: Path, ctx: Context) -> Watch:
        from generators.denoising.memory import memory_advice, preview_remedies
        from generators.denoising.watch import Watch
        from generators.diffusion.training.preview import Preview

        p = self.params
        preview = Preview(self._job(base, method, ctx), train, self._prompts(train))
        advised = memory_advice("a preview", ctx.device, preview_remedies(p, ctx.processes.size))
        return Watch(model_dir, p.preview_every, advised(preview.draw), writes=ctx.processes.rank == 0)

    def load_weights(self, method: Method, model_dir: Path) -> None:
        """Give the method's networks the weights that training left."""
        from generators.denoising.weights import load_trained

        load_trained(model_dir, method.kept)
