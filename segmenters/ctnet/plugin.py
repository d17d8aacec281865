"""CTNet, the contrastive Transformer network for polyps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from segmenters.mmseg.mit_weights import MIT, from_authors
from segmenters.mmseg.mmcv_lite import REQUIRES, opencv_fault
from segmenters.training.segmenter import TrainedSegmenter
from segmenters.training.three_sizes import ThreeSizesParams, stretched_maps, three_sizes
from segmenters.weights.backbone import Backbone

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe
    from segmenters.training.maps import MapHead
    from segmenters.weights.state import State


@dataclass(frozen=True, kw_only=True)
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


class CTNet(TrainedSegmenter):
    """Mix Transformer B3 with self-multiscale interaction and collection; structure loss and pixel contrast.

    As published (Training.py, utils/loss.py and Test.py of Fhujinwu/CTNet at a29b2be): AdamW at a constant rate, three
    sizes a batch, grey masks as they are stored, no augmentation, each map stretched by its own extremes, last epoch.
    """

    version = 2
    requires = REQUIRES
    cite = "Xiao et al., CTNet: Contrastive Transformer Network for Polyp Segmentation, IEEE Trans. Cybernetics 2024"
    Params = Params
    plugin_name = "ctnet"
    stride = 32

    def unusable(self) -> str:
        return opencv_fault()

    def network(self) -> torch.nn.Module:
        from segmenters.ctnet.network import CTNetNetwork

        return CTNetNetwork(self.params.variant)

    def backbone(self) -> Backbone:
        return Backbone(self, lambda: MIT[self.params.variant], from_authors)

    def recipe(self) -> Recipe:
        return three_sizes(self.params, self._loss)

    def head(self) -> MapHead:
        return stretched_maps(self.params, lambda model, images: model(images)[0])

    def released_names(self, state: State) -> State:
        from segmenters.ctnet.network import from_released

        return from_released(state)

    def _loss(self, model: torch.nn.Module, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """Structure loss of the logits + `contrast` times that of the embedding; masks (n, h, w) in [0, 1]."""
        from torch.nn.functional import interpolate

        from segmenters.ctnet.pixel_contrast import pixel_contrast
        from segmenters.training.structure_loss import structure_loss

        p, (logits, embedding) = self.params, model(images)
        loss = structure_loss(logits, masks[:, None].float(), p.weighted_bce)
        if not p.contrast or masks.is_meta:
            # Which pixels are compared hangs on the masks' numbers: not counted where there are none.
            return loss
        found = logits.argmax(1) if p.argmax else (logits[:, 0] > 0).long()
        embedding = interpolate(embedding, masks.shape[1:], mode="bilinear", align_corners=True)
        return loss + p.contrast * pixel_contrast(embedding, masks, found)
