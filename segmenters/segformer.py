"""SegFormer of mmsegmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.contracts import param
from segmenters.mmseg.mit_weights import MIT, from_authors
from segmenters.mmseg.mmcv_lite import REQUIRES, opencv_fault
from segmenters.training.published import Augmentation, Crop, Photometric
from segmenters.training.segmenter import TrainedSegmenter
from segmenters.weights.backbone import Backbone
from segmenters.weights.params import PretrainedParams

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe
    from segmenters.training.maps import MapHead

AUGMENTATION = Augmentation(crop=Crop((0.5, 2.0), 0.75), flip=0.5, photometric=Photometric())
UNDECAYED = ("norm", "pos_block")
"""Parts of the names of parameters without weight decay."""
HEAD_RATE = 10.0
"""The head's learning rate is so many times `lr`."""


@dataclass(frozen=True, kw_only=True)
class Params(PretrainedParams):
    """Defaults are the published recipe."""

    variant: str = param("b2", "Mix Transformer", choices=tuple(MIT))
    head_channels: int = param(0, "width of the head; 0: the configuration's 256 (paper: 768 from B2 on)", low=0)
    size: int = param(512, "images are resized to this square, aspect not kept", unit="px", low=64, high=2048)
    batch: int = param(16, "images an update", low=1)
    updates: int = param(160_000, "of the optimiser, in whole epochs, whatever the number of pairs; 0: `epochs`", low=0)
    epochs: int = param(1, "passes over the training set, where `updates` is 0", low=1)
    lr: float = param(6e-5, "learning rate of AdamW; the head's is ten times as high", low=0.0)
    weight_decay: float = param(0.01, "of AdamW; none where `norm` is in a name", low=0.0)
    warmup: float = param(
        1_500 / 160_000, "share of the updates in which the rate rises (1,500 of 160,000)", low=0.0, high=1.0
    )
    augment: bool = param(
        True,
        "as published: parts of an image at 0.5 to 2 times its size, flipped, under changed light; false: as it is",
    )


class SegFormer(TrainedSegmenter):
    """Mix Transformer and all-MLP head, two logits at stride 4 enlarged bilinearly; cross-entropy.

    Network, losses and normalisation are read from mmsegmentation's own configuration of the variant, with two classes.
    Its head is 256 wide for every variant; the authors' own code has 768 from B2 on (`head_channels`). As
    published: a number of updates, so that added pairs do not lengthen the training; rate rising, then falling evenly
    to 0; crops, flips and photometric distortion. Images are resized to one size first, where the published recipe
    keeps their aspect.
    """

    version = 2
    requires = REQUIRES
    cite = "Xie et al., SegFormer, NeurIPS 2021; mmsegmentation 1.2 (OpenMMLab)"
    Params = Params
    plugin_name = "segformer"

    def unusable(self) -> str:
        return opencv_fault()

    def _model(self) -> Any:
        """The published configuration's `model` with two classes, and with the head's own width where it is given."""
        from segmenters.mmseg.mix_transformer import published_segformer

        model = published_segformer(self.params.variant)
        if self.params.head_channels:
            model.decode_head.channels = self.params.head_channels
        return model

    def network(self) -> torch.nn.Module:
        from segmenters.mmseg.configuration import build

        return build(self._model())

    def backbone(self) -> Backbone:
        return Backbone(self, lambda: MIT[self.params.variant], from_authors)

    def head(self) -> MapHead:
        from segmenters.mmseg.configuration import own_head

        return own_head()

    def recipe(self) -> Recipe:
        from segmenters.mmseg.configuration import normaliser, own_loss
        from segmenters.training.loop import Recipe
        from segmenters.training.schedule import warm_up_and_fall

        p = self.params
        return Recipe(
            size=p.size,
            batch=p.batch,
            epochs=p.epochs,
            updates=p.updates,
            normalise=normaliser(self._model()),
            loss=own_loss,
            make_optimizer=lambda model: adamw(model, p.lr, p.weight_decay),
            make_scheduler=lambda _: None,
            rate=warm_up_and_fall(p.warmup, power=1.0),
            augmentation=AUGMENTATION if p.augment else Augmentation(),
            precision=p.precision,
        )


def adamw(model: torch.nn.Module, lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW with the published exceptions: no decay on normalisation layers, the head ten times as fast."""
    import torch

    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        rate = lr * (HEAD_RATE if "head" in name else 1)
        decay = 0.0 if any(part in name for part in UNDECAYED) else weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in groups.items()],
    )
