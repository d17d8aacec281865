"""ControlPolypNet: a ControlNet that fills a white lesion in an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contracts import Context, Split, param
from generators._normals import NORMALS, OLD_LESION, normals_in, normals_missing, on_normals, try_normals
from generators.diffusion.generator import DiffusionGenerator
from generators.diffusion.params import DiffusionParams

if TYPE_CHECKING:
    from generators.diffusion.base_model.model import Base
    from generators.diffusion.conditioning.mask_image import PaintedMethod


@dataclass(frozen=True, kw_only=True)
class Params(DiffusionParams):
    """With the backgrounds of the samples."""

    normals: str = param("", NORMALS, key=False)


class ControlPolypNet(DiffusionGenerator):
    """ControlNet on images whose lesion is painted white: mask and image both condition, in training and in sampling.

    Training fills the lesion of its own image again. Sampling fills the mask in a lesion-free image of the folder
    `normals`, drawn by seed and id. Without that folder the background is the pair's own image, so the set is close to
    a copy of the training set with other lesions, and the rows say so. Trained: ControlNet and the U-Net's decoder.
    Frozen: VAE, text encoder, U-Net encoder and middle.

    Where code and ours differ: the authors keep the samples in which a detector finds a polyp; ours keeps all. Their
    masks are those of grey above 1, where the noise of a JPEG is lesion too; ours are thresholded.
    """

    version = 1
    cite = "Sharma et al., ControlPolypNet, CVPR Workshops 2024"
    Params = Params

    def method(self, base: Base, seed: int) -> PaintedMethod:
        from generators.diffusion.conditioning.mask_image import PaintedMethod
        from generators.diffusion.conditioning.networks import build_networks

        return PaintedMethod(build_networks(base, seed, dense_hint=False))

    def files(self) -> tuple[Path, ...]:
        return (*super().files(), *(normals_in(self.params.normals) if self._has_normals else ()))

    @property
    def _has_normals(self) -> bool:
        return Path(self.params.normals).is_dir() if self.params.normals else False

    def missing(self) -> tuple[str, ...]:
        return (*super().missing(), *normals_missing("controlpolypnet", self.params.normals))

    def try_files(self) -> None:
        super().try_files()
        try_normals(self.params.normals)

    def needs_own_masks(self) -> str:
        return "" if self.params.normals else OLD_LESION

    def remark(self) -> str:
        return "" if self.params.normals else "background of the pair"

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        if self.params.normals:
            conditions = on_normals(conditions, self.params.normals, ctx.seed)
        super().sample(conditions, model_dir, out, ctx)
