"""DINOv2 ViT-S/14, a feature space learnt without labels."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contracts import Context, Network, param
from metrics.extractors._weights import Published

FILE = "dinov2_vits14_pretrain.pth"


@dataclass(frozen=True)
class Params:
    """Where the weights lie, and how many images are seen at once."""

    weights: str = param("", f"path of {FILE} or its folder; empty: torch hub's folder of checkpoints", key=False)
    batch: int = param(32, "images in one forward pass", low=1, key=False)


class DinoV2S14(Published):
    """DINOv2 ViT-S/14, 384-dimensional class token.

    Preprocessing: resized to 224 × 224 (Pillow bicubic, aspect ratio lost), ImageNet's mean and standard deviation.
    """

    version = 1
    requires = ("torch", "timm")
    cite = "Oquab et al., TMLR 2024 (weights: Meta AI, Apache-2.0); in place of Inception: Stein et al., NeurIPS 2023"
    Params = Params
    label = "DINOv2-S14"
    backbone = "DINOv2 ViT-S/14, class token 384"
    resize = "resize to 224 × 224 bicubic"
    dim = 384
    file = FILE
    sha256 = "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9"
    weights_size = 88_283_115
    address = f"https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/{FILE}"

    def open(self, ctx: Context) -> Network:
        from metrics.extractors._dinov2 import open_tower

        return open_tower("vit_small_patch14_dinov2.lvd142m", self.checked(ctx), ctx.device)
