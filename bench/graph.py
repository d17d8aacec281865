"""RunSpec -> stages with their inputs, and the leaderboard's lines. Pure: reads nothing, runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.chosen import Chosen, label_of, uses_features
from bench.data import DataTable
from bench.spec import SCHEMA, derive_seed, key

DATA = "data"
MASKS_VERSION = 2
"""Raised when random masks of the same seed come out otherwise."""


@dataclass(frozen=True)
class Ref:
    """A stage's output, or (action `data`) a real split by its fingerprint."""

    action: str
    key: str


@dataclass(frozen=True)
class Stage:
    """One unit of work: computed once, found again by its key."""

    action: str
    chosen: Chosen | None
    seed: int
    inputs: Mapping[str, Ref]
    label: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "stage": self.action,
            "plugin": self.chosen.identity if self.chosen else None,
            "seed": self.seed,
            "inputs": {role: ref.key for role, ref in self.inputs.items()},
            **self.extra,
        }

    @property
    def source(self) -> str:
        """Hash of the plugin's code: kept with the outputs, but only its version decides whether they are reused."""
        return self.chosen.source if self.chosen else ""

    @property
    def key(self) -> str:
        return key(self.identity)

    @property
    def ref(self) -> Ref:
        return Ref(self.action, self.key)


@dataclass(frozen=True)
class RunSpec:
    """Everything a run is made of, resolved."""

    data: DataTable
    profile: str
    seed: int
    seeds: int
    masks: str
    multiple: int
    synthetic_only: bool
    generators: tuple[Chosen, ...]
    metrics: tuple[tuple[Chosen, Chosen | None], ...]
    segmenters: tuple[Chosen, ...]


@dataclass(frozen=True)
class Line:
    """One line of the leaderboard: a segmenter trained on a row's sets; keys of its scores by test set and seed.

    `synthetic` is the key of the generator's set, empty where there is none.
    """

    row: str
    generator: str
    segmenter: str
    synthetic: str
    scores: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Comparison:
    """A generator's set against the reference under one metric."""

    generator: str
    metric: str
    synthetic: str
    key: str


@dataclass(frozen=True)
class Plan:
    """Stages in an order in which every input comes first."""

    stages: tuple[Stage, ...]
    lines: tuple[Line, ...]
    comparisons: tuple[Comparison, ...]


def plan(spec: RunSpec) -> Plan:
    """The whole run. The same stage asked for twice (reference features) appears once."""
    builder = _Builder(spec)
    sets = {generator.name: builder.synthetic(generator) for generator in spec.generators}
    comparisons = [
        builder.comparison(generator, sets[generator.name], metric, extractor)
        for generator in spec.generators
        for metric, extractor in spec.metrics
    ]
    lines = [line for segmenter in spec.segmenters for line in builder.lines(segmenter, sets)]
    return Plan(tuple(builder.stages.values()), tuple(lines), tuple(comparisons))


class _Builder:
    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec
        self.stages: dict[Ref, Stage] = {}

    def _data(self, split: str) -> Ref:
        return Ref(DATA, self.spec.data.fingerprints[split])

    def _seed(self, action: str, name: str, repeat: int = 0) -> int:
        return derive_seed(self.spec.seed, repeat, action, name)

    def _add(self, stage: Stage) -> Ref:
        return self.stages.setdefault(stage.ref, stage).ref

    def synthetic(self, generator: Chosen) -> Ref:
        train = self._data("train")
        conditions = train
        if self.spec.masks == "random":
            seed = self._seed("masks", "random")
            extra = {"version": MASKS_VERSION}
            conditions = self._add(Stage("masks", None, seed, {"train": train}, "random masks", extra))
        name = generator.name
        model = self._add(Stage("fit", generator, self._seed("fit", name), {"train": train}, f"train {name}"))
        inputs = {"conditions": conditions, "model": model}
        extra = {"multiple": self.spec.multiple} if self.spec.multiple > 1 else {}
        return self._add(Stage("sample", generator, self._seed("sample", name), inputs, f"sample {name}", extra))

    def comparison(self, generator: Chosen, fake: Ref, metric: Chosen, extractor: Chosen | None) -> Comparison:
        score = self._score(generator, fake, metric, extractor)
        return Comparison(generator.name, metric.name, fake.key, score.key)

    def _score(self, generator: Chosen, fake: Ref, metric: Chosen, extractor: Chosen | None) -> Ref:
        real = self._data("train")
        inputs = {"real": real, "fake": fake}
        if extractor is not None and uses_features(metric):
            size = generator.plugin.size()
            inputs["real_features"] = self._features(extractor, real, size, "real training images")
            inputs["fake_features"] = self._features(extractor, fake, None, generator.name)
        extra = {"label": label_of(extractor)}
        seed = self._seed("score", metric.name)
        return self._add(Stage("score", metric, seed, inputs, f"{metric.name} of {generator.name}", extra))

    def _features(self, extractor: Chosen, images: Ref, size: tuple[int, int] | None, what: str) -> Ref:
        extra = {"size": list(size) if size else None}
        at = f" at {size[0]} × {size[1]}" if size else ""
        label = f"{extractor.name} features of {what}{at}"
        return self._add(Stage("features", extractor, 0, {"images": images}, label, extra))

    def lines(self, segmenter: Chosen, sets: Mapping[str, Ref]) -> list[Line]:
        rows: dict[str, tuple[str, dict[str, Ref]]] = {"real": ("none", {})}
        row_of = "{} only" if self.spec.synthetic_only else "real+{}"
        rows |= {row_of.format(name): (name, {"synthetic": ref}) for name, ref in sets.items()}
        return [
            Line(row, generator, segmenter.name, _key_of(added.get("synthetic")), self._tests(segmenter, row, added))
            for row, (generator, added) in rows.items()
        ]

    def _tests(self, segmenter: Chosen, row: str, added: Mapping[str, Ref]) -> dict[str, tuple[str, ...]]:
        real = {} if added and self.spec.synthetic_only else {"real": self._data("train")}
        sets = {**real, **added}
        if "val" in self.spec.data.fingerprints:
            sets["val"] = self._data("val")
        models = [self._train(segmenter, row, sets, repeat) for repeat in range(self.spec.seeds)]
        return {
            test: tuple(self._tested(model, segmenter, row, test, repeat).key for repeat, model in enumerate(models))
            for test in self.spec.data.tests
        }

    def _train(self, segmenter: Chosen, row: str, sets: Mapping[str, Ref], repeat: int) -> Ref:
        seed = self._seed("train", segmenter.name, repeat)
        return self._add(Stage("train", segmenter, seed, sets, f"train {segmenter.name} on {row}{self._of(repeat)}"))

    def _of(self, repeat: int) -> str:
        return f" (seed {repeat + 1} of {self.spec.seeds})" if self.spec.seeds > 1 else ""

    def _tested(self, model: Ref, segmenter: Chosen, row: str, test: str, repeat: int) -> Ref:
        images = self._data(test)
        name = f"{segmenter.name} of {row} on {test.removeprefix('test/')}{self._of(repeat)}"
        maps = self._add(Stage("predict", segmenter, 0, {"model": model, "images": images}, f"predict {name}"))
        return self._add(Stage("segscore", None, 0, {"maps": maps, "truth": images}, f"score {name}"))


def _key_of(ref: Ref | None) -> str:
    return ref.key if ref else ""
