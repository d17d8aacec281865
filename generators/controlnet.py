"""ControlNet on masks: the reference paper's Setting 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from generators.diffusion.published import PublishedGenerator, PublishedParams

if TYPE_CHECKING:
    from generators.diffusion.base_model.model import Base
    from generators.diffusion.conditioning.method import ControlNetMethod


@dataclass(frozen=True, kw_only=True)
class Params(PublishedParams):
    """With the choice of what is trained."""

    lock_decoder: bool = param(False, "freeze the U-Net's decoder too, as ControlNet's authors do by default")


class ControlNet(PublishedGenerator):
    """ControlNet with its own hint block, conditioned on the mask alone.

    Trained: ControlNet and, unless `lock_decoder`, the U-Net's decoder: so the reference paper compares (Setting 1 of
    its Table 5). Frozen: VAE, text encoder, U-Net encoder and middle.

    Where code, papers and ours differ: ControlNet's authors lock the decoder by default and drop half of the prompts;
    the reference paper unlocks it and drops 5 %; diffusers' training script locks it, clips gradients at 1 and drops
    none. Ours follows the reference paper.
    """

    version = 2
    cite = "Zhang et al., Adding Conditional Control to Text-to-Image Diffusion Models, ICCV 2023"
    Params = Params
    shaped_by = ("lock_decoder",)

    def method(self, base: Base, seed: int) -> ControlNetMethod:
        from generators.diffusion.conditioning.method import ControlNetMethod
        from generators.diffusion.conditioning.networks import build_networks

        locked = self.params.lock_decoder
        nets = build_networks(base, seed, dense_hint=False, published_hint=self.imported, locked=locked)
        return ControlNetMethod(nets, locked)
