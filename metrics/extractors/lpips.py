"""LPIPS: the distance of two images that people's judgements calibrated, by the package `lpips`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contracts import Context, Network, param
from metrics.extractors._weights import Published

if TYPE_CHECKING:
    import torch


ADDRESS = "https://download.pytorch.org/models"


@dataclass(frozen=True)
class Trunk:
    """A network of torchvision under LPIPS: weight file with its bytes, and in words."""

    file: str
    sha256: str
    size: int
    words: str


TRUNKS: Mapping[str, Trunk] = {
    "alex": Trunk(
        "alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        244_408_911,
        "AlexNet",
    ),
    "vgg": Trunk(
        "vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        553_433_881,
        "VGG-16",
    ),
    "squeeze": Trunk(
        "squeezenet1_1-b8a52dc0.pth",
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        4_966_400,
        "SqueezeNet 1.1",
    ),
}


@dataclass(frozen=True)
class Params:
    """Which LPIPS, where its weights lie, and how many images are seen at once."""

    net: str = param(
        "alex", "network under the distance; alex is the authors' choice for evaluation", choices=(*TRUNKS,)
    )
    size: int = param(256, "side of the square that images are resized to; distances depend on it", unit="px", low=64)
    weights: str = param("", "path of the network's file or its folder; empty: torch hub's folder", key=False)
    batch: int = param(8, "images in one forward pass", low=1, key=False)


class Lpips(Published):
    """LPIPS v0.1 (AlexNet, VGG-16 or SqueezeNet with learnt weights), pair distances only: 0 for equal images.

    Images are resized to size × size (Pillow bicubic, antialiased; aspect ratio lost) and scaled to [-1, 1]. LPIPS
    itself resizes nothing and its values depend on the size, so net and size stand in the label. Below 64 px the last
    stages are a few pixels wide and the distance means little: such sizes are refused.
    The learnt weights come with the package; the network is torchvision's file, the only one accepted, known by its
    sha256 (of which the file's name carries the first eight digits).
    """

    version = 1
    requires = ("torch", "torchvision", "lpips")
    cite = "Zhang et al., CVPR 2018; lpips 0.1.4, BSD-2; networks of torchvision, BSD-3"
    Params = Params
    gives = ("distances",)

    plugin_name = "lpips"
    address = ADDRESS

    def __init__(self, params: Any) -> None:
        super().__init__(params)
        trunk = TRUNKS[params.net]
        self.file, self.sha256, self.weights_size = trunk.file, trunk.sha256, trunk.size
        self.address = f"{ADDRESS}/{trunk.file}"
        self.label = f"LPIPS-{params.net}@{params.size}"
        self.backbone = f"LPIPS v0.1, {trunk.words} (ImageNet)"
        self.resize = f"resize to {params.size} × {params.size} bicubic"

    def open(self, ctx: Context) -> Network:
        from metrics.extractors._network import TorchPairs

        distance = load_distance(self.params.net, self.checked(ctx)).to(ctx.device)

        def stages(pixels: torch.Tensor) -> list[torch.Tensor]:
            return unit_stages(distance, pixels.float() / 127.5 - 1)

        def weigh(stage: int, squares: torch.Tensor) -> torch.Tensor:
            return distance.lins[stage](squares)

        return TorchPairs(stages, weigh, ctx.device, self.params.size)


def unit_stages(distance: Any, images: torch.Tensor) -> list[torch.Tensor]:
    """Float images (b, 3, h, w) in [-1, 1] -> the network's stages, as LPIPS compares them."""
    import lpips

    return [lpips.normalize_tensor(stage) for stage in distance.net(distance.scaling_layer(images))]


def load_distance(net: str, path: Path) -> Any:
    """The package's distance with its learnt weights and torchvision's network from `path`, in evaluation mode."""
    import lpips
    import torch

    from metrics.extractors._unstarted import Unstarted

    stored = torch.load(path, weights_only=True, map_location="cpu")
    with warnings.catch_warnings(), Unstarted():
        # The package asks torchvision in words that were deprecated after its last release.
        warnings.filterwarnings("ignore", category=UserWarning, module="torchvision")
        distance = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    # The package cuts the layers of `features` into slices and keeps their numbers.
    features = {name.removeprefix("features."): weight for name, weight in stored.items()}
    wanted = distance.net.state_dict()
    distance.net.load_state_dict({name: features[name.partition(".")[2]] for name in wanted}, strict=True)
    return distance.eval().requires_grad_(False)
