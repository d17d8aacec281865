"""Polyp-PVT, polyp segmentation with a pyramid vision transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from bench.files.published import HubFile
from segmenters.training.segmenter import TrainedSegmenter
from segmenters.training.three_sizes import ThreeSizesParams, stretched_maps, three_sizes
from segmenters.weights.backbone import Backbone
from segmenters.weights.timm_backbone import TimmParams, refuse_unpublished_shape

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe
    from segmenters.training.maps import MapHead
    from segmenters.weights.state import State


@dataclass(frozen=True, kw_only=True)
class Params(ThreeSizesParams, TimmParams):
    """Defaults are the published recipe."""

    batch: int = param(16, "images a batch", low=1)
    epochs: int = param(99, "passes over the training set; the released code says 100 and stops before", low=1)
    drop_path: float = param(
        0.1, "chance of the last block of the backbone to be skipped in training", low=0.0, high=1.0
    )


class PolypPVT(TrainedSegmenter):
    """PVTv2-B2 with cascaded fusion, camouflage identification and similarity aggregation; the sum of two logits.

    As published: AdamW at a constant rate, three sizes a batch, grey masks as they are stored, structure loss on both
    outputs with the cross-entropy half unweighted, each map stretched by its own extremes. Theirs keeps the epoch that
    is best on the test images; ours the last.
    """

    version = 2
    requires = ("torch", "timm", "safetensors")
    cite = "Dong et al., Polyp-PVT, CAAI Artificial Intelligence Research 2023 (arXiv:2108.06932)"
    Params = Params
    plugin_name = "polyp-pvt"
    stride = 32

    def check_params(self, devices: int) -> None:
        super().check_params(devices)
        refuse_unpublished_shape(self.params, self.plugin_name)

    def network(self) -> torch.nn.Module:
        from segmenters.polyp_pvt.network import PolypPVTNetwork

        p = self.params
        return PolypPVTNetwork(p.width, p.depths, p.drop_path)

    def backbone(self) -> Backbone:
        return Backbone(self, lambda: HubFile("timm/pvt_v2_b2.in1k"), self._backbone_names)

    def recipe(self) -> Recipe:
        return three_sizes(self.params, self._loss)

    def head(self) -> MapHead:
        return stretched_maps(self.params, summed_logits)

    def released_names(self, state: State) -> State:
        from segmenters.polyp_pvt.network import own_name

        return {own_name(name): value for name, value in state.items()}

    def _backbone_names(self, state: State) -> State:
        """timm's file has our names, the authors' pvt_v2_b2.pth theirs."""
        whole = self.released_names({f"backbone.{name}": value for name, value in state.items()})
        return {name.removeprefix("backbone."): value for name, value in whole.items()}

    def _loss(self, model: torch.nn.Module, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """Structure loss of both outputs."""
        from segmenters.training.structure_loss import structure_loss

        truth = masks.float()[:, None]
        coarse, fine = (structure_loss(logits, truth, self.params.weighted_bce) for logits in model(images))
        return coarse + fine


def summed_logits(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Normalised images (n, 3, h, w) -> the sum of both outputs (n, 1, h, w), of which maps are made as published."""
    coarse, fine = model(images)
    return coarse + fine
