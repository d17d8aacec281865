"""Segmenters whose backbone starts from weights that others have trained and published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.contracts import Context, param
from bench.errors import BenchError
from segmenters._trained import TrainedParams, TrainedSegmenter
from segmenters.networks.sources import Source, checked, fetched

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

    def check_params(self, devices: int) -> None:
        p, name = self.params, self.plugin_name
        if p.backbone and (p.weights or not p.pretrained):
            reason = f"beside {name}.weights" if p.weights else f"without --set {name}.pretrained=true"
            raise BenchError(f"{name}.backbone={p.backbone}: has no effect {reason}")
        super().check_params(devices)

    def try_files(self) -> None:
        super().try_files()
        path = self._at_hand() if self.params.pretrained and not self.params.weights else None
        if path:
            self._load_backbone(self._network(), path)

    def missing(self) -> tuple[str, ...]:
        if absent := super().missing():
            return absent
        source = self._awaited()
        return (self._no_weights(source),) if source else ()

    def _beyond_reach(self) -> str:
        p, source = self.params, self._awaited()
        if source and not source.fetchable:
            return self._no_weights(source)
        return (
            self._no_such_file("backbone", self._remedy) if p.pretrained and not p.weights else super()._beyond_reach()
        )

    def _awaited(self) -> Source | None:
        """Where weights must come from that are not here; None where none are wanted, or a file was given."""
        p = self.params
        source = None if p.weights or p.backbone or not p.pretrained else self._source()
        return None if source is None or source.cached() else source

    def _no_weights(self, source: Source) -> str:
        return f"segmenter {self._title}: no weights of its backbone: {source.absent}{self._remedy}"

    @property
    def _remedy(self) -> str:
        name = self.plugin_name
        return f"name the file with --set {name}.backbone=FILE or train from scratch with --set {name}.pretrained=false"

    def notes(self) -> tuple[str, ...]:
        if self.params.weights or self.params.pretrained:
            return super().notes()
        return (f"{self._title} is trained from scratch: its backbone starts from random weights",)

    def _initialise(self, network: torch.nn.Module, ctx: Context) -> None:
        path = self._backbone_file(ctx) if self.params.pretrained else None
        if path:
            # A file that was given is part of the key; a published one is known by its name alone.
            self._load_backbone(network, path if self.params.backbone else checked(path))

    def _load_backbone(self, network: torch.nn.Module, path: Path) -> None:
        from segmenters.networks.weights import load_backbone

        load_backbone(getattr(network, self.trunk), path, self._own_backbone_names)

    def _backbone_file(self, ctx: Context) -> Path | None:
        if (source := self._awaited()) and not ctx.download:
            raise BenchError(self._no_weights(source))
        return fetched(source, self.plugin_name) if source else self._at_hand()

    def _at_hand(self) -> Path | None:
        """The file that was given, else the published one where it is here."""
        if self.params.backbone:
            return Path(self.params.backbone).expanduser()
        source = self._source()
        return source.cached() if source else None
