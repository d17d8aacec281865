"""CLIP ViT-L/14 at 336 px of OpenAI, the feature space of published CMMD."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contracts import Context, Network, param
from metrics.extractors._weights import Published

FILE = "ViT-L-14-336px.pt"
SHA256 = "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02"


@dataclass(frozen=True)
class Params:
    """Where the weights lie, and how many images are seen at once."""

    weights: str = param("", f"path of {FILE} or its folder; empty: torch hub's folder of checkpoints", key=False)
    batch: int = param(8, "images in one forward pass", low=1, key=False)


class ClipL14At336(Published):
    """CLIP ViT-L/14 at 336 px (OpenAI), 768-dimensional image embeddings as they leave the network: not of unit length.

    Preprocessing is open_clip's own: bicubic (Pillow, antialiased) until the shortest side is 336, then the middle
    336 × 336, which cuts the long side of an image that is not square; OpenAI's mean and standard deviation. The
    activation must be QuickGELU, as these weights were trained; another is refused.
    """

    version = 1
    requires = ("torch", "torchvision", "open_clip")
    cite = "Radford et al., ICML 2021 (weights: OpenAI, MIT); network and transform of open_clip"
    Params = Params
    label = "CLIP-L14-336"
    backbone = "CLIP ViT-L/14 at 336 px (OpenAI), image embedding 768"
    resize = "shortest side 336 bicubic, middle 336 × 336"
    dim = 768
    file = FILE
    sha256 = SHA256
    weights_size = 934_088_680
    address = f"https://openaipublic.azureedge.net/clip/models/{SHA256}/{FILE}"

    def open(self, ctx: Context) -> Network:
        from metrics.extractors._clip import open_tower

        return open_tower(self.checked(ctx), ctx.device)
