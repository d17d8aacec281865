"""Inception v3 as FID and KID define it: torch-fidelity's own network and resizing, its 2048-d layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contracts import Context, Network, param
from metrics.extractors._weights import Published

FILE = "weights-inception-2015-12-05-6726825d.pth"
LAYER = "2048"


@dataclass(frozen=True)
class Params:
    """Where the weights lie, and how many images are seen at once."""

    weights: str = param("", f"path of {FILE} or its folder; empty: torch hub's folder of checkpoints", key=False)
    batch: int = param(32, "images in one forward pass", low=1, key=False)


class Inception(Published):
    """Inception v3 (TensorFlow weights of 2015-12-05), 2048 pooled features, as in published FID and KID.

    Preprocessing is torch-fidelity's: TensorFlow 1's bilinear resize to 299 × 299 without antialiasing, in float.
    """

    version = 1
    requires = ("torch", "torch_fidelity")
    cite = "Szegedy et al., CVPR 2016; network of torch-fidelity (Obukhov et al., 2020), Apache-2.0"
    Params = Params
    label = "Inception"
    backbone = "Inception v3 (TensorFlow 2015-12-05), pool 2048"
    resize = "resize to 299 × 299, bilinear of TensorFlow 1, no antialias"
    dim = 2048
    file = FILE
    sha256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
    weights_size = 95_628_359
    address = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"

    def open(self, ctx: Context) -> Network:
        from metrics.extractors._network import TorchNetwork

        network = load_network(self.checked(ctx)).to(ctx.device)
        return TorchNetwork(lambda pixels: network(pixels)[0], ctx.device)


def load_network(path: Path) -> Any:
    """torch-fidelity's extractor with the weights of `path`, in evaluation mode."""
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    from metrics.extractors._unstarted import Unstarted

    # torch-fidelity unpickles anything it is given. Loading tensors only, first, proves that there is nothing else.
    torch.load(path, weights_only=True, map_location="cpu")
    with Unstarted():
        return FeatureExtractorInceptionV3("inception-v3-compat", [LAYER], feature_extractor_weights_path=str(path))
