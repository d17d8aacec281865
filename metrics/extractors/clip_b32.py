"""CLIP ViT-B/32 of OpenAI, the feature space of published CLIP-I."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contracts import Context, Network, param
from metrics.extractors._weights import Published

FILE = "ViT-B-32.pt"
SHA256 = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"


@dataclass(frozen=True)
class Params:
    """Where the weights lie, and how many images are seen at once."""

    weights: str = param("", f"path of {FILE} or its folder; empty: torch hub's folder of checkpoints", key=False)
    batch: int = param(32, "images in one forward pass", low=1, key=False)


class ClipB32(Published):
    """CLIP ViT-B/32 (OpenAI), 512-dimensional image embeddings as they leave the network: not of unit length.

    Preprocessing is open_clip's own: bicubic (Pillow, antialiased) until the shortest side is 224, then the middle
    224 × 224, which cuts the long side of an image that is not square; OpenAI's mean and standard deviation. The
    activation must be QuickGELU, as these weights were trained; another is refused.
    """

    version = 1
    requires = ("torch", "torchvision", "open_clip")
    cite = "Radford et al., ICML 2021 (weights: OpenAI, MIT); network and transform of open_clip"
    Params = Params
    label = "CLIP-B32"
    backbone = "CLIP ViT-B/32 (OpenAI), image embedding 512"
    resize = "shortest side 224 bicubic, middle 224 × 224"
    dim = 512
    file = FILE
    sha256 = SHA256
    weights_size = 353_976_522
    address = f"https://openaipublic.azureedge.net/clip/models/{SHA256}/{FILE}"

    def open(self, ctx: Context) -> Network:
        from metrics.extractors._clip import open_tower

        return open_tower(self.checked(ctx), ctx.device)
