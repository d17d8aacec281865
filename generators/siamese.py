"""Siamese-Diffusion: one ControlNet learns from masks with an image branch as its teacher; masks alone sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from generators.diffusion.published import PublishedGenerator, PublishedParams

if TYPE_CHECKING:
    from generators.diffusion.base_model.model import Base
    from generators.diffusion.training.siamese_step import Recipe, SiameseMethod


@dataclass(frozen=True, kw_only=True)
class Params(PublishedParams):
    """With the switches of the paper's Table 5 and the weights of its losses."""

    dhi: bool = param(True, "Dense Hint Input; false: ControlNet's own hint block (Table 5)")
    online_augmentation: bool = param(True, "train on the image branch's estimate of z_0 too (Table 5)")
    noise_consistency: bool = param(True, "noise consistency loss L_c (Table 5)")
    w_c: float = param(1.0, "weight of L_c (Table 6)", low=0.0)
    w_m: float = param(1.0, "weight of the mask's part in c_mix", low=0.0)
    augment_after: float = param(1 / 3, "share of training before online augmentation begins", low=0.0, high=1.0)
    augment_t: int = param(200, "online augmentation for t up to this (code: <=, paper: <)", low=0, high=999)


class Siamese(PublishedGenerator):
    """Noise-consistent Siamese-Diffusion: mask and image share one ControlNet with Dense Hint Input.

    Trained: ControlNet with hint block (all four losses) and the U-Net's decoder (mask branch only). Frozen: VAE, text
    encoder, U-Net encoder and middle. Sampling sees the mask alone.

    Where code and paper differ: online augmentation takes t <= 200 (paper: t < 200); images are rounded to 8 bits
    (the authors' script truncates); a pair's mask is the conditioning mask (their script writes a dithered one). Beside
    a narrower U-Net than Stable Diffusion's, Dense Hint Input is narrower in proportion (theirs has fixed channels).
    """

    version = 2
    cite = "Qiu et al., Noise-Consistent Siamese-Diffusion for Medical Image Synthesis and Segmentation, CVPR 2025"
    Params = Params
    shaped_by = ("dhi",)

    def recipe(self) -> Recipe:
        """The method's switches as the training step takes them."""
        from generators.diffusion.training.siamese_step import Recipe

        p = self.params
        return Recipe(
            noise_consistency=p.noise_consistency,
            online_augmentation=p.online_augmentation,
            w_c=p.w_c,
            w_m=p.w_m,
            augment_after=p.augment_after,
            augment_t=p.augment_t,
        )

    def method(self, base: Base, seed: int) -> SiameseMethod:
        from generators.diffusion.conditioning.networks import build_networks
        from generators.diffusion.training.siamese_step import SiameseMethod

        nets = build_networks(base, seed, dense_hint=self.params.dhi, published_hint=self.imported)
        return SiameseMethod(nets, recipe=self.recipe(), steps=self.params.steps)
