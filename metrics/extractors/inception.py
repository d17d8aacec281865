"""Inception v3 as FID and KID define it: torch-fidelity's own network and resizing, its 2048-d layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contracts import Context, Extractor, Network, param
from bench.errors import BenchError
from metrics.extractors._weights import fault, hub_folder

FILE = "weights-inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
LAYER = "2048"


@dataclass(frozen=True)
class Params:
    weights: str = param("", f"path of {FILE}; empty: torch hub's folder of checkpoints", key=False)
    batch: int = param(32, "images in one forward pass", low=1, key=False)


class Inception(Extractor):
    """Inception v3 (TensorFlow weights of 2015-12-05), 2048 pooled features, as in published FID and KID.

    Preprocessing is torch-fidelity's: TensorFlow 1's bilinear resize to 299 × 299 without antialiasing, in float.
    Only the one file whose sha256 is known is accepted, wherever it lies, so its path and bytes stay out of the key.
    """

    version = 1
    requires = ("torch", "torch_fidelity")
    cite = "Szegedy et al., CVPR 2016; network of torch-fidelity (Obukhov et al., 2020), Apache-2.0"
    Params = Params
    label = "Inception"
    backbone = "Inception v3 (TensorFlow 2015-12-05), pool 2048"
    resize = "squash 299 × 299, bilinear of TensorFlow 1, no antialias"
    dim = 2048
    sha256 = SHA256

    def __init__(self, params: Any) -> None:
        """Raises BenchError for a path that was given and is not the file: another extractor must not step in."""
        super().__init__(params)
        if params.weights and (wrong := fault(self.weights(), self.sha256)):
            raise BenchError(f"inception.weights={params.weights}: {wrong}; give the path of {FILE}")

    def weights(self) -> Path:
        return Path(self.params.weights).expanduser() if self.params.weights else hub_folder() / FILE

    def missing(self) -> tuple[str, ...]:
        wrong = fault(self.weights(), self.sha256)
        remedy = f"put {FILE} there, set inception.weights=PATH, or let --download fetch it (96 MB)"
        return (f"extractor inception: {self.weights()}: {wrong}; {remedy}",) if wrong else ()

    def open(self, ctx: Context) -> Network:
        from metrics.extractors._network import TorchNetwork

        if ctx.download and self.missing():
            download(self.weights(), self.sha256)
        for line in self.missing():
            raise BenchError(line)
        network = load_network(self.weights()).to(ctx.device)
        return TorchNetwork(lambda pixels: network(pixels)[0], ctx.device)


def load_network(path: Path) -> Any:
    """torch-fidelity's extractor with the weights of `path`, in evaluation mode."""
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # torch-fidelity unpickles anything it is given. Loading tensors only, first, proves that there is nothing else.
    torch.load(path, weights_only=True, map_location="cpu")
    return FeatureExtractorInceptionV3("inception-v3-compat", [LAYER], feature_extractor_weights_path=str(path))


def download(path: Path, sha256: str) -> None:
    """Fetch torch-fidelity's release file to `path`, which appears only when its sha256 is right."""
    from torch.hub import download_url_to_file
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        download_url_to_file(URL_INCEPTION_V3, str(path), hash_prefix=sha256)
    except (OSError, RuntimeError) as error:
        raise BenchError(f"--download: {URL_INCEPTION_V3}: {error}; fetch it elsewhere and put it at {path}") from None
