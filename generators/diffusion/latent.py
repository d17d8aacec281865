"""What every generator on a base model shares, whether it trains or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.contracts import Context, Generator
from bench.errors import BenchError
from generators.diffusion.base_model.location import base_folder, grid, missing_base
from generators.diffusion.params import LatentParams

if TYPE_CHECKING:
    from generators.diffusion.base_model.model import Base


class LatentGenerator(Generator):
    """Makes its images with the autoencoder of a pretrained latent diffusion model: squares of `size` pixels."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "diffusers", "transformers", "safetensors")
    Params = LatentParams

    def base(self) -> str:
        return self.params.base

    def size(self) -> tuple[int, int]:
        return (self.params.size, self.params.size)

    def files(self) -> tuple[Path, ...]:
        folder = base_folder(self.base())
        return (folder,) if folder else ()

    def missing(self) -> tuple[str, ...]:
        return missing_base(self.base())

    def check_params(self, devices: int) -> None:
        size, step = self.params.size, grid(self.base())
        if size % step:
            raise BenchError(f"size={size}: base model {self.base()} needs a multiple of {step}")

    def _load(self, ctx: Context) -> Base:
        from generators.diffusion.base_model.model import load_base

        return load_base(self.base(), device=ctx.device, download=ctx.download)
