"""ControlNet on mask and image together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generators.diffusion.generator import DiffusionGenerator

if TYPE_CHECKING:
    from generators.diffusion.base_model.model import Base
    from generators.diffusion.conditioning.mask_image import MaskImageMethod


class ControlNetMi(DiffusionGenerator):
    """ControlNet (M+I): mask and image both condition, in training and in sampling.

    The sampling image is that of the pair whose mask is used, so its set is close to a copy of the training set: read
    it as the ceiling of fidelity and the floor of diversity. Trained: ControlNet and the U-Net's decoder. Frozen: VAE,
    text encoder, U-Net encoder and middle.

    The reference paper reports this row without code. Ours: mask and image side by side as six channels of
    ControlNet's own hint block.
    """

    version = 2
    cite = "Zhang et al., ICCV 2023; row ControlNet (M+I) of Qiu et al., CVPR 2025"

    def method(self, base: Base, seed: int) -> MaskImageMethod:
        from generators.diffusion.conditioning.mask_image import MaskImageMethod
        from generators.diffusion.conditioning.networks import build_networks

        return MaskImageMethod(build_networks(base, seed, dense_hint=False, hint_channels=6))
