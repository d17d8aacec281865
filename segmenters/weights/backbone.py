"""What a network's backbone starts from: weights that others have trained and published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contracts import Context
from bench.errors import BenchError
from segmenters.weights.params import Named, no_such_file
from segmenters.weights.sources import Source, checked, fetched

if TYPE_CHECKING:
    import torch

    from segmenters.weights.state import State


@dataclass(frozen=True)
class Backbone:
    """The backbone of a segmenter whose `Params` are `PretrainedParams`, and the weights it starts from.

    A file that is given comes first, then the library's cache; with neither, only --download helps.

    `source`: where the weights were published, asked only where it matters; None for a network published without any.
    `renamed`: gives the published file's entries our names. `trunk`: the network's attribute that is the backbone.
    """

    segmenter: Named
    source: Callable[[], Source | None]
    renamed: Callable[[State], State] = lambda state: state
    trunk: str = "backbone"

    @property
    def _params(self) -> Any:
        return self.segmenter.params

    @property
    def _wanted(self) -> bool:
        """Weights of the whole network make those of the backbone superfluous."""
        return self._params.pretrained and not self._params.weights

    @property
    def _awaited(self) -> Source | None:
        """Where weights must come from that are not here; None where none are wanted, or a file was given."""
        source = self.source() if self._wanted and not self._params.backbone else None
        return None if source is None or source.cached() else source

    @property
    def _remedy(self) -> str:
        name = self.segmenter.plugin_name
        return f"name the file with --set {name}.backbone=FILE or train from scratch with --set {name}.pretrained=false"

    def files(self) -> tuple[Path, ...]:
        """The file that was given; those of the published place are known by its name."""
        p = self._params
        return (Path(p.backbone).expanduser(),) if p.pretrained and p.backbone else ()

    def check(self) -> None:
        """BenchError for a file that would change nothing."""
        p, name = self._params, self.segmenter.plugin_name
        if p.backbone and not self._wanted:
            reason = f"beside {name}.weights" if p.weights else f"without --set {name}.pretrained=true"
            raise BenchError(f"{name}.backbone={p.backbone}: has no effect {reason}")

    def missing(self) -> str:
        """The line on weights that are not here; empty where there are none."""
        if self._wanted and self._params.backbone:
            return no_such_file(self.segmenter, "backbone", self._remedy)
        if source := self._awaited:
            return f"segmenter {self.segmenter.title}: no weights of its backbone: {source.absent}{self._remedy}"
        return ""

    def beyond_reach(self) -> str:
        """The same line where --download cannot help either."""
        source = self._awaited
        return "" if source and source.fetchable else self.missing()

    def notes(self) -> tuple[str, ...]:
        """Said below the table of a network that was published with weights and starts without."""
        if self._params.pretrained or self.source() is None:
            return ()
        return (f"{self.segmenter.title} is trained from scratch: its backbone starts from random weights",)

    def at_hand(self) -> Path | None:
        """The file that was given, else the published one where it is here; None for a start from scratch."""
        if not self._wanted:
            return None
        if self._params.backbone:
            return Path(self._params.backbone).expanduser()
        source = self.source()
        return source.cached() if source else None

    def file(self, ctx: Context) -> Path | None:
        """As `at_hand`; what is not here is fetched where `ctx` allows it, else BenchError."""
        if source := self._awaited:
            if not ctx.download:
                raise BenchError(self.missing())
            return checked(fetched(source, self.segmenter.plugin_name))
        path = self.at_hand()
        # A file that was given is part of the key; a published one is known by its name alone.
        return path if path is None or self._params.backbone else checked(path)

    def load(self, network: torch.nn.Module, path: Path) -> None:
        """Fill the network's backbone. BenchError for a file of another one."""
        from segmenters.weights.state import load_backbone

        load_backbone(getattr(network, self.trunk), path, self.renamed)
