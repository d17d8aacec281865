"""Where a number comes from: the data and the profile, the synthetic set, the training. Pure.

A row of the leaderboard is known by these records, never by what is shown of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.records import RowRecord
from bench.contracts import SEGMENTER
from bench.plugins.registry import split_name
from bench.store.run_manifest import CONTROL, RunManifest, Setting


@dataclass(frozen=True)
class Scope:
    """The data (first digits of its fingerprint) and the profile: numbers of two scopes are never compared."""

    dataset: str
    data: str
    profile: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where synthetic sets come from: what a run, or the comparison of two folders, says of all of them."""

    scope: Scope
    masks: str = ""
    bases: Mapping[str, str] = field(default_factory=dict)
    varied: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: Sequence[Setting] = ()
    unranked: Collection[str] = ()
    filtered: Mapping[str, str] = field(default_factory=dict)

    def sets_of(self, generator: str, synthetic: tuple[str, ...]) -> SetOrigin:
        """Where the measures of a generator's sets, one a repeat, come from in this run."""
        return SetOrigin(
            scope=self.scope,
            masks=self.masks,
            generator=generator,
            base=self.bases.get(generator, ""),
            synthetic=synthetic,
            varied=self.varied.get(generator, ()),
            settings=_settings(self.settings, {"generator": self.filtered.get(generator, generator), "segmenter": ""}),
            control=generator in self.unranked,
            filtered=generator in self.filtered,
        )


@dataclass(frozen=True)
class SetKey:
    """Which measures are those of a row's synthetic sets: another reference makes other measures of the same sets."""

    profile: str
    synthetic: tuple[str, ...]
    settings: str


@dataclass(frozen=True, kw_only=True)
class SetOrigin:
    """A generator's sets, `synthetic` their keys; `settings` say where the run departs from its profile for them.

    `varied`: what is random in the generator and has a seed of its own in each repeat.

    `control`: it is shown, and competes with none; `filtered`: a part of another set, chosen by a measure.
    """

    scope: Scope
    masks: str
    generator: str
    base: str
    synthetic: tuple[str, ...]
    settings: str
    varied: tuple[str, ...] = ()
    control: bool = False
    filtered: bool = False

    @property
    def label(self) -> str:
        """The generator as tables show it."""
        return f"{self.generator} {CONTROL}" if self.control else self.generator

    @property
    def key(self) -> SetKey:
        return SetKey(self.scope.profile, self.synthetic, self.settings)


@dataclass(frozen=True, kw_only=True)
class Training:
    """A segmenter's trainings, `repeats` different ones: where nothing in them varies, repeats of a run share one.
    `pairs`: of an epoch; `key`: of what the trainings scored.

    `kind`: as a manifest's rows have it; `varied`: the sources of randomness that have a seed of their own in each
    repeat, and play a part in it.
    """

    scope: Scope
    segmenter: str
    trained_on: str
    kind: str
    pairs: int | None
    repeats: int
    varied: tuple[str, ...]
    settings: str
    selected_on_test: bool
    key: str

    @property
    def block(self) -> tuple[Scope, str, bool]:
        """Rows that may be compared: one network under one protocol on the same data, selected in the same way."""
        return self.scope, self.segmenter, self.selected_on_test


@dataclass(frozen=True, kw_only=True)
class TrainedRow:
    """A row of the leaderboard. `updates`: of the optimiser, where it counts them."""

    made: SetOrigin
    training: Training
    updates: int | None


def source_of(manifest: RunManifest) -> Source:
    """What all numbers of a run have in common."""
    return Source(
        scope=Scope(manifest.dataset.name, manifest.dataset.fingerprint[:12], manifest.protocol.profile),
        masks=manifest.protocol.masks,
        bases=manifest.bases,
        varied={name: _varied(manifest, own) for name, own in manifest.varies.items()},
        settings=manifest.settings,
        unranked=manifest.unranked,
        filtered=manifest.filtered,
    )


def _varied(manifest: RunManifest, own: Sequence[str]) -> tuple[str, ...]:
    """Which of its own sources of randomness change from repeat to repeat; none in a single repeat."""
    protocol = manifest.protocol
    return tuple(one for one in protocol.vary if one in own) if protocol.repeats > 1 else ()


def _settings(settings: Sequence[Setting], names: Mapping[str, str]) -> str:
    """Those that concern these plugins: a --set holds for all that bear its name, whatever follows their `:`."""
    texts = []
    for one in settings:
        name = names.get(one.kind, one.name)
        if one.name in (name, split_name(name)[0]):
            texts.append(one.text)
    return " ".join(texts)


def trained_row(manifest: RunManifest, record: RowRecord) -> TrainedRow:
    """A row of the manifest with what identifies it beside those of other runs."""
    source, row = source_of(manifest), record.row
    training = Training(
        scope=source.scope,
        segmenter=row.segmenter,
        trained_on=row.trained_on,
        kind=row.kind,
        pairs=row.pairs,
        repeats=len(set(row.models)),
        varied=_varied(manifest, (SEGMENTER, *manifest.varies.get(row.generator, ()))),
        settings=_settings(
            manifest.settings,
            {"generator": manifest.filtered.get(row.generator, row.generator), "segmenter": row.segmenter},
        ),
        selected_on_test=manifest.protocol.select == "test",
        key=row.key,
    )
    return TrainedRow(made=source.sets_of(row.generator, row.synthetic), training=training, updates=record.updates)
