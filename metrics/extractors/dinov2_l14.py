"""DINOv2 ViT-L/14, a feature space learnt without labels."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contracts import Context, Network, param
from metrics.extractors._weights import Published

FILE = "dinov2_vitl14_pretrain.pth"


@dataclass(frozen=True)
class Params:
    """Where the weights lie, and how many images are seen at once."""

    weights: str = param("", f"path of {FILE} or its folder; empty: torch hub's folder of checkpoints", key=False)
    batch: int = param(16, "images in one forward pass", low=1, key=False)


class DinoV2L14(Published):
    """DINOv2 ViT-L/14, 1024-dimensional class token.

    Preprocessing: resized to 224 × 224 (Pillow bicubic, aspect ratio lost), ImageNet's mean and standard deviation.
    """

    version = 1
    requires = ("torch", "timm")
    cite = "Oquab et al., TMLR 2024 (weights: Meta AI, Apache-2.0); in place of Inception: Stein et al., NeurIPS 2023"
    Params = Params
    label = "DINOv2-L14"
    backbone = "DINOv2 ViT-L/14, class token 1024"
    resize = "resize to 224 × 224 bicubic"
    dim = 1024
    file = FILE
    sha256 = "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428"
    weights_size = 1_217_586_395
    address = f"https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/{FILE}"

    def open(self, ctx: Context) -> Network:
        from metrics.extractors._dinov2 import open_tower

        return open_tower("vit_large_patch14_dinov2.lvd142m", self.checked(ctx), ctx.device)
