"""Segmenters whose network mmsegmentation builds from a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segmenters._pretrained import PretrainedSegmenter

if TYPE_CHECKING:
    import torch


class MMSegmentationSegmenter(PretrainedSegmenter):
    """Logits are enlarged to the network's input, then to the image, as mmsegmentation does."""

    requires = ("torch", "safetensors", "mmengine", "mmcv", "mmseg")

    def _model(self) -> Any:
        """The configuration's `model`, with two classes."""
        raise NotImplementedError

    def _network(self) -> torch.nn.Module:
        from segmenters.networks.mmsegmentation import build

        return build(self._model())

    def _logits(self, model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        from segmenters.networks.mmsegmentation import logits_of

        return logits_of(model, images)
