"""A stage about to run: its inputs, its workspace and what it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.contracts import Context, Sample, Split
from bench.data.lesion_size import LesionShares
from bench.data.pixel_cache import PixelCache
from bench.engine.networks import Networks
from bench.plan.stage import DATA, Ref, Stage
from bench.store.artefacts import Store, Workspace
from bench.store.pair_index import read_index

FEATURES = "features"
FEATURES_FILE = "features.npy"


@dataclass(frozen=True)
class Job:
    """A stage about to run: how to reach its inputs, where to write, what it may use."""

    stage: Stage
    store: Store
    splits: Mapping[str, Split]
    workspace: Workspace
    ctx: Context
    pixels: PixelCache
    networks: Networks = field(default_factory=Networks)
    shares: LesionShares = field(default_factory=LesionShares)

    @property
    def plugin(self) -> Any:
        assert self.stage.chosen is not None
        return self.stage.chosen.plugin

    def folder(self, role: str) -> Path:
        ref = self.stage.inputs[role]
        return self.store.path(ref.action, ref.key)

    def pairs(self, role: str) -> Split:
        """The pairs of a real split, or those a stage wrote."""
        ref = self.stage.inputs[role]
        if ref.action == DATA:
            return self.splits[ref.key]
        return read_index(self.folder(role), self._made_from(ref))

    def _made_from(self, ref: Ref) -> dict[str, Sample]:
        """The real pairs a stage was given, by id: those of other splits may bear the same ids."""
        given = self.store.record(ref.action, ref.key).get("identity", {}).get("inputs", {}).values()
        return {sample.id: sample for key in given for sample in self.splits.get(key, ())}
