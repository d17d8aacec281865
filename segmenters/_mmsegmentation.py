"""Segmenters whose network mmsegmentation builds, in part or from a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segmenters._pretrained import PretrainedSegmenter
from segmenters.networks.mmseg_compat import opencv_fault

if TYPE_CHECKING:
    import torch


class MMSegmentationSegmenter(PretrainedSegmenter):
    """Its packages import OpenCV, which not every machine can load."""

    requires = ("torch", "safetensors", "mmengine", "mmcv", "mmseg")

    def _beyond_reach(self) -> str:
        fault = opencv_fault()
        return f"segmenter {self._title}: {fault}" if fault else super()._beyond_reach()


class ConfiguredSegmenter(MMSegmentationSegmenter):
    """Logits are enlarged to the network's input, then to the image, as mmsegmentation does."""

    def _model(self) -> Any:
        """The configuration's `model`, with two classes."""
        raise NotImplementedError

    def _network(self) -> torch.nn.Module:
        from segmenters.networks.mmsegmentation import build

        return build(self._model())

    def _logits(self, model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        from segmenters.networks.mmsegmentation import logits_of

        return logits_of(model, images)
