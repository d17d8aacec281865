"""A stage about to run: its inputs, its workspace and what it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.contracts import Context, Split
from bench.data.lesion_size import LesionShares
from bench.data.pixel_cache import PixelCache
from bench.engine.extraction import Extraction, OpenExtractor
from bench.plan.stage import DATA, Ref
from bench.plugins.resolved import ResolvedPlugin
from bench.store.artefacts import Store, Workspace
from bench.store.pair_index import read_index


@dataclass(frozen=True)
class Caches:
    """What the stages of a run hand on to each other within one process; nothing in it changes a result."""

    pixels: PixelCache = field(default_factory=PixelCache)
    network: OpenExtractor = field(default_factory=OpenExtractor)
    lesions: LesionShares = field(default_factory=LesionShares)


@dataclass(frozen=True, kw_only=True)
class Job:
    """How a stage reaches its inputs, where it writes, what it may use."""

    store: Store
    splits: Mapping[str, Split]
    workspace: Workspace
    ctx: Context
    caches: Caches = field(default_factory=Caches)

    @property
    def out(self) -> Path:
        """Where the stage writes what is kept."""
        return self.workspace.out

    def folder(self, ref: Ref) -> Path:
        """Where a finished stage left its files."""
        return self.store.path(ref.action, ref.key)

    def pairs(self, ref: Ref | None) -> Split:
        """The pairs of a real split, or those a stage wrote; none of what is not given."""
        if ref is None:
            return ()
        if ref.action == DATA:
            return self.splits[ref.key]
        folder = self.folder(ref)
        # The real pairs it was given, by id: those of other splits may bear the same ids.
        given = self.store.record(ref.action, ref.key).get("identity", {}).get("inputs", {}).values()
        return read_index(folder, {sample.id: sample for key in given for sample in self.splits.get(key, ())})

    def extraction(self, extractor: ResolvedPlugin) -> Extraction:
        """Images through an extractor, with what earlier stages have left open and decoded."""
        return Extraction(extractor=extractor, ctx=self.ctx, pixels=self.caches.pixels, network=self.caches.network)
