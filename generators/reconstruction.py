"""Reconstruction: every real pair once more, as the base model's autoencoder shows it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Context, Cost, Generator, Split, param, unfinished
from bench.images import load_mask, load_rgb, save_png
from generators.diffusion.base_model.location import TINY
from generators.diffusion.latent import LatentGenerator
from generators.diffusion.params import LatentParams


@dataclass(frozen=True, kw_only=True)
class Params(LatentParams):
    """With how many images the device holds."""

    sample_batch: int = param(16, "images reconstructed at once", low=1, key=False)


class Reconstruction(LatentGenerator):
    """Every real training pair through the base model's autoencoder: encoded (mean of the posterior) and decoded.

    The bound of all latent generators on that base model: what they would reach if they reproduced the training images
    as well as the base model can show them. Read its FID, KID and LPIPS as the floor of fidelity there, and its row as
    what the autoencoder costs a network that is trained with the images. Its images are copies: `copying` says so,
    rightly, where the base model shows them well enough. Nothing is trained and nothing is random; with random masks it
    still makes real pairs.

    Base model and size are those of the first other generator of the run that has a base model, unless --set says
    otherwise.
    """

    version = 1
    control = True
    own_masks = True
    varies = ()
    shared = ("sample",)
    cite = "Rombach et al., High-Resolution Image Synthesis with Latent Diffusion, CVPR 2022"
    Params = Params

    @classmethod
    def follow(cls, others: Sequence[Generator], dataset: str) -> dict[str, str]:  # noqa: ARG003
        for one in others:
            if one.base():
                size = one.size()
                return {"base": one.base(), **({"size": str(size[0])} if size else {})}
        return {}

    def try_files(self) -> None:
        from generators.diffusion.base_model.model import load_base

        # The bundled base comes with the suite, whose tests load it.
        if self.base() != TINY and not self.missing():
            load_base(self.base())

    def cost(self, action: str, images: int, devices: int) -> Cost | None:
        from generators.diffusion.cost import reconstruction_cost

        self.check_params(devices)
        if action == "fit":
            return None
        return reconstruction_cost(self.base(), self.params.size, self.params.sample_batch, math.ceil(images / devices))

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        # The conditions may be transformed masks, which do not belong to the images: the real ones are kept here.
        for pair in train:
            save_png(model_dir / f"{pair.id}.png", load_mask(pair.mask, self.size()) * 255)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        import numpy as np

        from generators.denoising.memory import memory_advice, sampling_remedies
        from generators.denoising.sample_set import batches_to_do
        from generators.diffusion.base_model.coding import reconstruct

        batch, base = self.params.sample_batch, self._load(ctx)
        todo = batches_to_do(conditions, batch, out, ctx.processes)
        with (
            memory_advice("reconstruction", ctx.device, sampling_remedies(batch)),
            ctx.progress.bar(todo.total, "image", done=todo.done) as bar,
        ):
            for part in (conditions[at] for at in todo.batches):
                pixels = reconstruct(base, np.stack([load_rgb(pair.image, self.size()) for pair in part]))
                images = dict(zip(part, pixels, strict=True))
                for pair in unfinished(part, out):
                    real_mask = model_dir / f"{pair.source or pair.id}.png"
                    save_png(out / "masks" / f"{pair.id}.png", load_mask(real_mask) * 255)
                    save_png(out / "images" / f"{pair.id}.png", images[pair])
                bar.update(len(part))
