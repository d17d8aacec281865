"""Segmenters whose backbone starts from weights that others have trained and published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.contracts import Context, param
from bench.errors import BenchError
from segmenters._trained import TrainedParams, TrainedSegmenter
from segmenters.networks.sources import Source, fetched

if TYPE_CHECKING:
    import torch

    from segmenters.networks.weights import State


@dataclass(frozen=True)
class PretrainedParams(TrainedParams):
    """Where the weights come from."""

    pretrained: bool = param(True, "start from published weights of the backbone; false: from scratch")
    backbone: str = param("", "file of those weights; empty: where --download puts it", key=False)


class PretrainedSegmenter(TrainedSegmenter):
    """A file that is given comes first, then the library's cache; with neither, only --download helps."""

    trunk: ClassVar[str] = "backbone"
    """The network's attribute that is the backbone."""

    def _source(self) -> Source | None:
        """Where the backbone's weights were published; None for a network that was published without any."""
        raise NotImplementedError

    def _own_backbone_names(self, state: State) -> State:
        """The published file of the backbone under our names."""
        return state

    def files(self) -> tuple[Path, ...]:
        p = self.params
        # Weights that are not given are those of the published place.
        return super().files() or ((Path(p.backbone).expanduser(),) if p.pretrained and p.backbone else ())

    def missing(self) -> tuple[str, ...]:
        p, name = self.params, self.plugin_name
        if p.weights or not p.pretrained:
            return super().missing()
        remedy = (
            f"name the file with --set {name}.backbone=FILE or train from scratch with --set {name}.pretrained=false"
        )
        if p.backbone:
            there = Path(p.backbone).expanduser().is_file()
            return () if there else (f"segmenter {self._title}: {name}.backbone={p.backbone}: no such file; {remedy}",)
        source = self._source()
        if source is None or source.cached():
            return ()
        return (f"segmenter {self._title}: no weights of its backbone: {source.absent}{remedy}",)

    def notes(self) -> tuple[str, ...]:
        if self.params.weights or self.params.pretrained:
            return super().notes()
        return (f"{self._title} is trained from scratch: its backbone starts from random weights",)

    def _initialise(self, network: torch.nn.Module, ctx: Context) -> None:
        from segmenters.networks.weights import load_backbone

        path = self._backbone_file(ctx) if self.params.pretrained else None
        if path:
            load_backbone(getattr(network, self.trunk), path, self._own_backbone_names)

    def _backbone_file(self, ctx: Context) -> Path | None:
        if self.params.backbone:
            return Path(self.params.backbone).expanduser()
        source = self._source()
        if source is None:
            return None
        if cached := source.cached():
            return cached
        if not ctx.download:
            raise BenchError(self.missing()[0])
        return fetched(source, self.plugin_name)
