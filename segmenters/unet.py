"""U-Net of Awesome-U-Net, the paper's UNet for skin lesions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contracts import Context, Cost, Segmenter, Split, param

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe


@dataclass(frozen=True)
class Params:
    """Defaults are the published recipe."""

    size: int = param(224, "images are squashed to this square", unit="px", low=32, high=2048)
    width: int = param(32, "channels of the first level; 32 has 1,946,914 parameters", low=4, high=256)
    batch: int = param(16, "images an update", low=1)
    epochs: int = param(100, "passes over the training set", low=1)
    lr: float = param(1e-4, "learning rate of Adam", low=0.0)
    patience: int = param(10, "epochs without a lower loss before the rate is halved", low=0)
    precision: str = param(
        "fp32", "of the arithmetic on an accelerator; weights and optimiser stay fp32", choices=("fp32", "bf16")
    )


class UNet(Segmenter):
    """Four levels, no normalisation layers, two logits; half Dice (pooled over the batch), half cross-entropy.

    As published: Adam, rate halved on plateau, each image stretched to [0, 1] by its own minimum and maximum, no
    augmentation, last epoch (their `best_model = model` is a reference, so their best is the last too). Ours: where
    there is no validation split the training loss drives the plateau.
    """

    version = 2
    requires = ("torch", "safetensors")
    cite = "Ronneberger et al., U-Net, MICCAI 2015; Azad et al., Medical Image Segmentation Review (Awesome-U-Net)"
    Params = Params

    def _network(self, seed: int) -> torch.nn.Module:
        import torch

        from segmenters.networks.unet import UNetNetwork

        torch.manual_seed(seed)
        return UNetNetwork(self.params.width)

    def _recipe(self) -> Recipe:
        import torch

        from segmenters.training.loop import Recipe

        p = self.params
        return Recipe(
            size=p.size, batch=p.batch, epochs=p.epochs, normalise=stretch, loss=dice_and_cross_entropy,
            make_optimizer=lambda model: torch.optim.Adam(model.parameters(), p.lr),
            make_scheduler=lambda optimizer: torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimizer, factor=0.5, patience=p.patience
            ),
            precision=p.precision,
        )  # fmt: skip

    def cost(self, action: str, images: int, devices: int) -> Cost:
        import torch

        from segmenters.training.cost import cost_of

        with torch.device("meta"):
            network = self._network(0)
        return cost_of(network, self._recipe(), lesion_probability, action, images)

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context, select: Split = ()) -> None:
        from segmenters.training.loop import fit

        fit(self._network(ctx.seed), self._recipe(), train, val, model_dir, ctx, select, lesion_probability)

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        from segmenters.training.loop import predict

        predict(self._network(ctx.seed), lesion_probability, self._recipe(), samples, model_dir, out, ctx)


def stretch(images: torch.Tensor) -> torch.Tensor:
    """Each image (3, h, w) to [0, 1] by its own minimum and maximum; a constant image becomes 0, not NaN."""
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    return (images - low) / (high - low).clamp(min=1e-6)


def dice_and_cross_entropy(model: torch.nn.Module, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """0.5 soft Dice, pooled over the batch and averaged over both classes, + 0.5 cross-entropy."""
    import torch

    logits = model(images)
    probabilities, truth = logits.softmax(1), torch.nn.functional.one_hot(masks, 2).movedim(-1, 1)
    overlap = (probabilities * truth).sum((0, 2, 3))
    total = probabilities.sum((0, 2, 3)) + truth.sum((0, 2, 3))
    dice = 1 - ((2 * overlap + 1e-6) / (total + 1e-6)).mean()
    return 0.5 * dice + 0.5 * torch.nn.functional.cross_entropy(logits, masks)


def lesion_probability(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """(n, h, w)."""
    return model(images).softmax(1)[:, 1]
