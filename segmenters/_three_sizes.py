"""What Polyp-PVT and CTNet share: each batch at three sizes, grey masks, maps stretched by their extremes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.contracts import param
from segmenters._pretrained import PretrainedParams, PretrainedSegmenter

if TYPE_CHECKING:
    import torch

    from segmenters.training.loop import Recipe


@dataclass(frozen=True)
class ThreeSizesParams(PretrainedParams):
    """Defaults are the published recipe of both."""

    size: int = param(352, "images are squashed to this square, a multiple of 32", unit="px", low=64, high=2048)
    lr: float = param(1e-4, "learning rate of AdamW, constant", low=0.0)
    weight_decay: float = param(1e-4, "of all weights", low=0.0)
    clip: float = param(0.5, "each element of a gradient is cut to this magnitude", low=0.0)
    three_steps: bool = param(
        True, "a batch is trained at 0.75, 1 and 1.25 of `size`, an optimiser step each, as published; false: at `size`"
    )
    weighted_bce: bool = param(
        False, "weigh the cross-entropy half of the loss near borders too, as the papers say and their code does not"
    )
    stretch: bool = param(True, "stretch each map to [0, 1] by its own minimum and maximum, as published")


class ThreeSizesSegmenter(PretrainedSegmenter):
    """What differs is the network and its loss."""

    stride = 32

    def _loss(self, model: torch.nn.Module, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """Of normalised images (n, 3, h, w) and masks (n, h, w) in [0, 1]."""
        raise NotImplementedError

    def _recipe(self) -> Recipe:
        from segmenters.training.three_sizes import three_sizes

        return three_sizes(self.params, self._loss)

    def _lesion_map(self, logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        from segmenters.training.maps import stretched

        maps = super()._lesion_map(logits, size)
        return stretched(maps) if self.params.stretch else maps
