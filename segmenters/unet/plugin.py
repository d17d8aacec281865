"""U-Net of Awesome-U-Net, the paper's UNet for skin lesions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from segmenters.training.segmenter import TrainedSegmenter
from segmenters.weights.params import TrainedParams

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe


@dataclass(frozen=True, kw_only=True)
class Params(TrainedParams):
    """Defaults are the published recipe."""

    size: int = param(224, "images are resized to this square, aspect not kept", unit="px", low=32, high=2048)
    width: int = param(32, "channels of the first level; 32 has 1,946,914 parameters", low=4, high=256)
    batch: int = param(16, "images an update", low=1)
    epochs: int = param(100, "passes over the training set", low=1)
    lr: float = param(1e-4, "learning rate of Adam", low=0.0)
    patience: int = param(10, "epochs without a lower loss before the rate is halved", low=0)


class UNet(TrainedSegmenter):
    """Four levels, no normalisation layers, two logits; half Dice (pooled over the batch), half cross-entropy.

    As published: Adam, rate halved on plateau, each image stretched to [0, 1] by its own minimum and maximum, no
    augmentation, last epoch (their `best_model = model` is a reference, so their best is the last too). Ours: where
    there is no validation split the training loss drives the plateau; images are resized with antialiasing, where
    torchvision of their time had none for tensors.
    """

    version = 2
    cite = "Ronneberger et al., U-Net, MICCAI 2015; Azad et al., Medical Image Segmentation Review (Awesome-U-Net)"
    Params = Params
    plugin_name = "unet"
    stride = 8

    def network(self) -> torch.nn.Module:
        from segmenters.unet.network import UNetNetwork

        return UNetNetwork(self.params.width)

    def recipe(self) -> Recipe:
        import torch

        from segmenters.training.dice import dice_and_cross_entropy
        from segmenters.training.loop import Recipe
        from segmenters.training.normalise import stretch

        p = self.params
        return Recipe(
            size=p.size,
            batch=p.batch,
            epochs=p.epochs,
            normalise=stretch,
            loss=dice_and_cross_entropy,
            make_optimizer=lambda model: torch.optim.Adam(model.parameters(), p.lr),
            make_scheduler=lambda optimizer: torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimizer, factor=0.5, patience=p.patience
            ),
            precision=p.precision,
        )
