"""SANet, the shallow attention network for polyps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.contracts import param
from bench.files.published import HubFile
from segmenters.training.published import Augmentation, Scales
from segmenters.training.segmenter import TrainedSegmenter
from segmenters.weights.backbone import Backbone
from segmenters.weights.timm_backbone import TimmParams, refuse_unpublished_shape

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe
    from segmenters.training.maps import MapHead

SCALES = Scales(rates=(8 / 11, 9 / 11, 10 / 11, 1.0), chances=(0.1, 0.2, 0.3, 0.4), corners=False, soft_masks=False)
"""At 352 px: 256, 288, 320 or 352, drawn anew for each batch."""
AUGMENTATION = Augmentation(flip=0.5, vertical_flip=0.5, rotate=0.5, colour_exchange=0.7)


@dataclass(frozen=True, kw_only=True)
class Params(TimmParams):
    """Defaults are the published recipe."""

    size: int = param(352, "images are resized to this square, aspect not kept", unit="px", low=64, high=2048)
    batch: int = param(64, "images an update; one alone cannot be normalised", low=2)
    epochs: int = param(128, "passes over the training set; the rate is halved after a half and three quarters", low=1)
    lr: float = param(0.4, "learning rate of stochastic gradient descent", low=0.0)
    backbone_rate: float = param(0.1, "the backbone's learning rate as a share of `lr`", low=0.0)
    momentum: float = param(0.9, "Nesterov's", low=0.0, high=1.0)
    weight_decay: float = param(5e-4, "of all weights", low=0.0)
    augment: bool = param(
        True,
        "as published: one of four sizes a batch, another's colours, flips, quarter turns; false: images as they are",
    )
    wrap: bool = param(True, "exchanged colours beyond 8 bits wrap around, as the released cast does; false: cut")
    precision: str = param(
        "bf16",
        "of the arithmetic on an accelerator (published: mixed, apex O2); weights stay fp32",
        choices=("fp32", "bf16"),
    )
    correction: bool = param(
        True,
        "probability correction, as published: positive logits are divided by the share of pixels that are positive, "
        "negative ones by theirs, which raises small lesions; false: the sigmoid alone",
    )


class SANet(TrainedSegmenter):
    """Res2Net-50 v1b, shallow stages attended by deep ones; binary cross-entropy + Dice an image; one logit.

    As published: SGD with a tenth of the rate for the backbone, one of four sizes a batch, flips, quarter turns and
    colours of another image, mixed precision (theirs apex O2, ours bfloat16), probability correction, last epoch.
    Colours come from a frame of a group with a chance of 0.7, otherwise from an image without one; where the training
    images are all of one kind they are left alone. Ours: images are resized, with antialiasing, before colours are
    exchanged and before they are normalised; theirs after both, without it. Masks are cut at 127; theirs are grey,
    nearest pixel.
    """

    version = 2
    requires = ("torch", "timm", "safetensors")
    cite = "Wei et al., Shallow Attention Network for Polyp Segmentation, MICCAI 2021"
    Params = Params
    plugin_name = "sanet"

    def check_params(self, devices: int) -> None:
        super().check_params(devices)
        refuse_unpublished_shape(self.params, self.plugin_name)

    def network(self) -> torch.nn.Module:
        from segmenters.sanet.network import SANetNetwork

        return SANetNetwork(self.params.width, self.params.depths)

    def backbone(self) -> Backbone:
        return Backbone(self, lambda: HubFile("timm/res2net50d.in1k"), trunk="bkbone")

    def recipe(self) -> Recipe:
        from segmenters.training.loop import Recipe
        from segmenters.training.normalise import imagenet
        from segmenters.training.schedule import HalvedTwice

        p = self.params
        return Recipe(
            size=p.size,
            batch=p.batch,
            epochs=p.epochs,
            normalise=imagenet,
            loss=entropy_and_dice,
            make_optimizer=self._optimizer,
            make_scheduler=lambda optimizer: HalvedTwice(optimizer, p.epochs),
            scales=SCALES if p.augment else Scales(),
            augmentation=replace(AUGMENTATION, wrap=p.wrap) if p.augment else Augmentation(),
            precision=p.precision,
        )

    def _optimizer(self, model: torch.nn.Module) -> torch.optim.Optimizer:
        import torch

        p = self.params
        backbone = list(model.bkbone.parameters())
        head = [parameter for name, parameter in model.named_parameters() if not name.startswith("bkbone.")]
        groups = [{"params": backbone, "lr": p.lr * p.backbone_rate}, {"params": head}]
        return torch.optim.SGD(groups, p.lr, momentum=p.momentum, weight_decay=p.weight_decay, nesterov=True)

    def head(self) -> MapHead:
        from segmenters.training.maps import MapHead

        return MapHead(lesion_map=corrected_map if self.params.correction else plain_map)


def entropy_and_dice(model: torch.nn.Module, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy + soft Dice, which is an image's own: 1 - 2I / (U + 1), U the sum of both areas."""
    from torch.nn.functional import binary_cross_entropy_with_logits

    logits, truth = to_size(model(images), masks.shape[1:]), masks.float()
    probabilities = logits.sigmoid()
    overlap, areas = (probabilities * truth).sum((1, 2)), probabilities.sum((1, 2)) + truth.sum((1, 2))
    return binary_cross_entropy_with_logits(logits, truth) + 1 - (2 * overlap / (areas + 1)).mean()


def to_size(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """(n, 1, h, w) -> (n, *size), bilinear with aligned corners."""
    from torch.nn.functional import interpolate

    return interpolate(logits, size, mode="bilinear", align_corners=True)[:, 0]


def plain_map(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Logits (n, 1, h, w) -> probabilities (n, *size): enlarged, then the sigmoid."""
    return to_size(logits, size).sigmoid()


def corrected_map(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The same with logits `corrected` in between, at `size`."""
    return corrected(to_size(logits, size)).sigmoid()


def corrected(logits: torch.Tensor) -> torch.Tensor:
    """Probability correction of each map (n, h, w): positive logits over the share of pixels that are positive,
    negative ones over the share of negative ones. The rarer side, mostly the lesion, is pushed further from 1/2."""
    for sign in (logits > 0, logits < 0):
        share = sign.to(logits.dtype).mean((1, 2), keepdim=True)
        logits = logits.where(~sign, logits / share)
    return logits
