"""Polyp-PVT, polyp segmentation with a pyramid vision transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from segmenters._timm import TimmParams, TimmSegmenter
from segmenters.networks.sources import Hub

if TYPE_CHECKING:
    import torch

    from segmenters.networks.weights import State
    from segmenters.training.loop import Recipe


@dataclass(frozen=True)
class Params(TimmParams):
    """Defaults are the published recipe."""

    size: int = param(352, "images are squashed to this square, a multiple of 32", unit="px", low=64, high=2048)
    batch: int = param(16, "images a batch", low=1)
    epochs: int = param(99, "passes over the training set; the released code says 100 and stops before", low=1)
    lr: float = param(1e-4, "learning rate of AdamW, constant", low=0.0)
    weight_decay: float = param(1e-4, "of all weights", low=0.0)
    clip: float = param(0.5, "each element of a gradient is cut to this magnitude", low=0.0)
    three_steps: bool = param(
        True, "a batch is trained at 0.75, 1 and 1.25 of `size`, an optimiser step each, as published; false: at `size`"
    )
    drop_path: float = param(
        0.1, "chance of the last block of the backbone to be skipped in training", low=0.0, high=1.0
    )
    weighted_bce: bool = param(False, "weight the cross-entropy half of the loss too, as the paper's formula does")
    stretch: bool = param(True, "stretch each map to [0, 1] by its own minimum and maximum, as published")


class PolypPVT(TimmSegmenter):
    """PVTv2-B2 with cascaded fusion, camouflage identification and similarity aggregation; the sum of two logits.

    As published: AdamW at a constant rate, three sizes a batch, grey masks as they are stored, structure loss on both
    outputs with the cross-entropy half unweighted, each map stretched by its own extremes. Theirs keeps the epoch that
    is best on the test images; ours the last.
    """

    version = 2
    cite = "Dong et al., Polyp-PVT, CAAI Artificial Intelligence Research 2023 (arXiv:2108.06932)"
    Params = Params
    plugin_name = "polyp-pvt"
    stride = 32

    def _source(self) -> Hub:
        return Hub("timm/pvt_v2_b2.in1k")

    def _network(self) -> torch.nn.Module:
        from segmenters.networks.polyp_pvt import PolypPVTNetwork

        p = self.params
        return PolypPVTNetwork(p.width, self._blocks, p.drop_path)

    def _own_names(self, state: State) -> State:
        from segmenters.networks.polyp_pvt import own_name

        return {own_name(name): value for name, value in state.items()}

    def _recipe(self) -> Recipe:
        from segmenters.training.three_sizes import three_sizes

        return three_sizes(self.params, self._loss)

    def _loss(self, model: torch.nn.Module, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """Structure loss of both outputs."""
        from segmenters.training.structure_loss import structure_loss

        truth = masks.float()[:, None]
        coarse, fine = (structure_loss(logits, truth, self.params.weighted_bce) for logits in model(images))
        return coarse + fine

    def _logits(self, model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        coarse, fine = model(images)
        return coarse + fine

    def _lesion_map(self, logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        from segmenters.training.maps import stretched

        maps = super()._lesion_map(logits, size)
        return stretched(maps) if self.params.stretch else maps
