"""Training and sampling around a `PixelMethod`: what the generators on pixels share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.contracts import Context, Cost, Generator, Split
from bench.errors import BenchError
from generators.denoising.params import refuse_uneven
from generators.pixel.counts import KNOWN
from generators.pixel.params import PixelParams

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from generators.denoising.average import Decay
    from generators.denoising.learner import Schedule
    from generators.denoising.watch import Watch
    from generators.pixel.batch import Augment, PixelPlan
    from generators.pixel.method import PixelMethod, Walk
    from generators.pixel.sampler import PixelJob

GROUPS = 32
"""Of every norm."""
NETWORK = "network"
"""Name of the weights' file: of the average where there is one."""


class PixelGenerator(Generator):
    """Diffusion on the pixels themselves, trained from random weights. A subclass says what its authors chose."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "diffusers", "safetensors", "matplotlib")
    shared = ("fit", "sample")
    Params = PixelParams
    shaped_by: ClassVar[tuple[str, ...]] = ()
    """Parameters besides size and width that decide what the network is."""

    def widths(self) -> tuple[int, ...]:
        """Channels of each level of the U-Net."""
        raise NotImplementedError

    def method(self) -> PixelMethod:
        """The network with random weights, and what is done with it."""
        raise NotImplementedError

    def walk(self) -> Walk:
        """The sampler."""
        raise NotImplementedError

    def schedule(self) -> Schedule:
        """Of the optimiser."""
        raise NotImplementedError

    def decay(self) -> Decay | None:
        """Of the average of weights that samples; None: the last weights do."""
        return None

    def augment(self) -> Augment | None:
        """What is done to a pair each time it is drawn."""
        return None

    def unmasked(self) -> float:
        """Share of the training steps whose pairs have empty masks."""
        return 0.0

    def letterbox(self) -> bool:
        """Whether images keep their aspect in the square, with black around them that samples lose again."""
        return False

    def size(self) -> tuple[int, int]:
        return (self.params.size, self.params.size)

    def check_params(self, devices: int) -> None:
        p, widths = self.params, self.widths()
        refuse_uneven(p, devices)
        halvings = 2 ** (len(widths) - 1)
        if p.size % halvings:
            raise BenchError(f"size={p.size}: the {len(widths)} levels of the U-Net need a multiple of {halvings}")
        if any(width % GROUPS for width in widths):
            named = ", ".join(map(str, widths))
            raise BenchError(f"width={p.width}: levels of {named} channels; each needs a multiple of {GROUPS}")

    def details(self) -> tuple[str, ...]:
        return (f"parameters, all trained: {self.parameters()}",)

    def parameters(self) -> str:
        """How many the network has."""
        return KNOWN.get(self.known_as()) or self.count()

    def known_as(self) -> tuple[object, ...]:
        """Module, and what shapes the network. A plugin of the user's own has a module of its own."""
        p = self.params
        return (type(self).__module__, p.size, self.widths(), *(getattr(p, name) for name in self.shaped_by))

    def count(self) -> str:
        """Parameters of the network, built without their numbers. Imports torch and diffusers."""
        import torch

        with torch.device("meta"):
            network = self.method().network
        return f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f} M"

    def cost(self, action: str, images: int, devices: int) -> Cost | None:
        from generators.pixel.cost import fit_cost, sample_cost

        self.check_params(devices)
        if action == "fit":
            return fit_cost(self.method, self.params, devices, averaged=self.decay() is not None)
        return sample_cost(self.method, self.params, self.walk().steps, math.ceil(images / devices))

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        from generators.denoising.accumulate import in_parts
        from generators.denoising.average import Average
        from generators.denoising.learner import Learner
        from generators.denoising.loop import train as run_training
        from generators.denoising.memory import memory_advice, training_remedies
        from generators.denoising.recompute import recompute_activations
        from generators.denoising.weights import save_trained
        from generators.pixel.step import Step

        p, method, decay = self.params, self._seeded(ctx), self.decay()
        if p.gradient_checkpointing:
            recompute_activations([method.network])
        average = Average(method.network, decay) if decay else None
        sampled = average.model if average else method.network
        step = Step(method, self._plan(method, train, ctx), p.precision)
        learner = Learner({NETWORK: method.network}, self.schedule(), average)
        watch = self._watch(self._job(method, sampled, ctx), train, model_dir)
        with memory_advice("training", ctx.device, training_remedies(p, ctx.processes.size)):
            run_training(learner, in_parts(step.backward, p.accumulation, ctx.processes), watch, ctx)
        if ctx.processes.rank == 0:
            save_trained(model_dir, {NETWORK: sampled})

    def _plan(self, method: PixelMethod, train: Split, ctx: Context) -> PixelPlan:
        from generators.denoising.pixels import load_pixels
        from generators.pixel.batch import PixelPlan

        images, masks = load_pixels(train, self.params.size, ctx, self.letterbox())
        return PixelPlan(
            images=images,
            masks=masks,
            batch=self.params.batch,
            timesteps=method.timesteps,
            seed=ctx.seed,
            device=ctx.device,
            augment=self.augment(),
            unmasked=self.unmasked(),
        )

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from generators.denoising.memory import memory_advice, sampling_remedies
        from generators.denoising.sample_set import write_set

        p, method = self.params, self._seeded(ctx)
        self.load_weights(method.network, model_dir)
        job = self._job(method, method.network, ctx)
        with memory_advice("sampling", ctx.device, sampling_remedies(p.sample_batch)):
            write_set(
                conditions,
                lambda at, tick: job.sample(conditions[at], tick),
                batch=p.sample_batch,
                steps=job.walk.steps,
                out=out,
                ctx=ctx,
            )

    def load_weights(self, network: nn.Module, model_dir: Path) -> None:
        """Give the network the weights that training left."""
        from generators.denoising.weights import load_trained

        load_trained(model_dir, {NETWORK: network})

    def _seeded(self, ctx: Context) -> PixelMethod:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(ctx.seed)
            method = self.method()
        method.network.to(ctx.device)
        return method

    def _job(self, method: PixelMethod, network: nn.Module, ctx: Context) -> PixelJob:
        from generators.pixel.sampler import PixelJob

        p = self.params
        return PixelJob(
            method=method,
            network=network,
            walk=self.walk(),
            size=p.size,
            precision=p.precision,
            ctx=ctx,
            letterbox=self.letterbox(),
        )

    def _watch(self, job: PixelJob, train: Split, model_dir: Path) -> Watch:
        from generators.denoising.memory import memory_advice, preview_remedies
        from generators.denoising.pictures import preview
        from generators.denoising.watch import Watch

        p, ctx = self.params, job.ctx

        def draw() -> np.ndarray:
            with memory_advice("a preview", ctx.device, preview_remedies(p, ctx.processes.size)):
                return preview(train, p.size, {NETWORK: job.network}, lambda shown: job.sample(shown, lambda: None))

        return Watch(model_dir, p.preview_every, draw, writes=ctx.processes.rank == 0)
