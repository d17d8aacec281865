"""T2I-Adapter: a small network beside a frozen Stable Diffusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generators.diffusion.generator import DiffusionGenerator

if TYPE_CHECKING:
    from generators.diffusion.base_model.model import Base
    from generators.diffusion.conditioning.adapter import AdapterMethod


class T2iAdapter(DiffusionGenerator):
    """T2I-Adapter: features of the mask are added to the encoder of a U-Net that stays frozen.

    Trained: the full adapter (77 million parameters beside Stable Diffusion 1.5). Frozen: everything else. The
    features depend on the mask alone, not on t, and are computed once an image.

    Where code, paper and ours differ: the authors train 512 px, batch 8, without dropping prompts; ours follows the
    comparison's budget (the other generators' size, steps, batch, prompt dropping and sampler). With 3,000 steps on a
    small set it is probably under-trained: the reference paper's FID of 162 on polyps reads so.
    """

    version = 1
    cite = "Mou et al., T2I-Adapter, AAAI 2024 (branch SD of the authors' code)"

    def method(self, base: Base, seed: int) -> AdapterMethod:
        from generators.diffusion.conditioning.adapter import build_adapter

        return build_adapter(base, seed)
