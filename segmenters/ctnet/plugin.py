"""CTNet, the contrastive Transformer network for polyps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from segmenters._mmsegmentation import MMSegmentationSegmenter
from segmenters._three_sizes import ThreeSizesParams, ThreeSizesSegmenter
from segmenters.networks.sources import MIT, Address

if TYPE_CHECKING:
    import torch

    from segmenters.networks.weights import State


@dataclass(frozen=True)
class Params(ThreeSizesParams):
    """Defaults are the published recipe."""

    variant: str = param("b3", "Mix Transformer; published: b3", choices=tuple(MIT))
    batch: int = param(16, "images an update; one alone cannot be normalised", low=2)
    epochs: int = param(31, "passes over the training set; the released code says 32 and stops before", low=1)
    contrast: float = param(0.1, "weight of the pixel contrast", low=0.0)
    argmax: bool = param(
        True,
        "as published: the class found is the argmax over the one logit, so background everywhere, and the contrast "
        "takes every lesion pixel for a hard one; false: lesion where the logit is positive",
    )


class CTNet(ThreeSizesSegmenter, MMSegmentationSegmenter):
    """Mix Transformer B3 with self-multiscale interaction and collection; structure loss and pixel contrast.

    As published (Training.py, utils/loss.py and Test.py of Fhujinwu/CTNet at a29b2be): AdamW at a constant rate, three
    sizes a batch, grey masks as they are stored, no augmentation, each map stretched by its own extremes, last epoch.
    """

    version = 2
    cite = "Xiao et al., CTNet: Contrastive Transformer Network for Polyp Segmentation, IEEE Trans. Cybernetics 2024"
    Params = Params
    plugin_name = "ctnet"

    def _source(self) -> Address:
        return MIT[self.params.variant]

    def _network(self) -> torch.nn.Module:
        from segmenters.networks.ctnet import CTNetNetwork

        return CTNetNetwork(self.params.variant)

    def _own_names(self, state: State) -> State:
        from segmenters.networks.ctnet import from_released

        return from_released(state)

    def _own_backbone_names(self, state: State) -> State:
        from segmenters.networks.mit import from_authors

        return from_authors(state)

    def _loss(self, model: torch.nn.Module, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import interpolate

        from segmenters.training.pixel_contrast import pixel_contrast
        from segmenters.training.structure_loss import structure_loss

        p, (logits, embedding) = self.params, model(images)
        loss = structure_loss(logits, masks[:, None].float(), p.weighted_bce)
        if not p.contrast or masks.is_meta:
            # Which pixels are compared hangs on the masks' numbers: not counted where there are none.
            return loss
        found = logits.argmax(1) if p.argmax else (logits[:, 0] > 0).long()
        embedding = interpolate(embedding, masks.shape[1:], mode="bilinear", align_corners=True)
        return loss + p.contrast * pixel_contrast(embedding, masks, found)

    def _logits(self, model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        return model(images)[0]
