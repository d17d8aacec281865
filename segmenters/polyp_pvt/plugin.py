"""Polyp-PVT, polyp segmentation with a pyramid vision transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from segmenters._three_sizes import ThreeSizesParams, ThreeSizesSegmenter
from segmenters._timm import TimmParams, TimmSegmenter
from segmenters.networks.sources import Hub

if TYPE_CHECKING:
    import torch

    from segmenters.networks.weights import State


@dataclass(frozen=True)
class Params(ThreeSizesParams, TimmParams):
    """Defaults are the published recipe."""

    batch: int = param(16, "images a batch", low=1)
    epochs: int = param(99, "passes over the training set; the released code says 100 and stops before", low=1)
    drop_path: float = param(
        0.1, "chance of the last block of the backbone to be skipped in training", low=0.0, high=1.0
    )


class PolypPVT(ThreeSizesSegmenter, TimmSegmenter):
    """PVTv2-B2 with cascaded fusion, camouflage identification and similarity aggregation; the sum of two logits.

    As published: AdamW at a constant rate, three sizes a batch, grey masks as they are stored, structure loss on both
    outputs with the cross-entropy half unweighted, each map stretched by its own extremes. Theirs keeps the epoch that
    is best on the test images; ours the last.
    """

    version = 2
    cite = "Dong et al., Polyp-PVT, CAAI Artificial Intelligence Research 2023 (arXiv:2108.06932)"
    Params = Params
    plugin_name = "polyp-pvt"

    def _source(self) -> Hub:
        return Hub("timm/pvt_v2_b2.in1k")

    def _network(self) -> torch.nn.Module:
        from segmenters.networks.polyp_pvt import PolypPVTNetwork

        p = self.params
        return PolypPVTNetwork(p.width, self._blocks, p.drop_path)

    def _own_names(self, state: State) -> State:
        from segmenters.networks.polyp_pvt import own_name

        return {own_name(name): value for name, value in state.items()}

    def _own_backbone_names(self, state: State) -> State:
        """timm's file has our names, the authors' pvt_v2_b2.pth theirs."""
        whole = self._own_names({f"{self.trunk}.{name}": value for name, value in state.items()})
        return {name.removeprefix(f"{self.trunk}."): value for name, value in whole.items()}

    def _loss(self, model: torch.nn.Module, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """Structure loss of both outputs."""
        from segmenters.training.structure_loss import structure_loss

        truth = masks.float()[:, None]
        coarse, fine = (structure_loss(logits, truth, self.params.weighted_bce) for logits in model(images))
        return coarse + fine

    def _logits(self, model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        coarse, fine = model(images)
        return coarse + fine
