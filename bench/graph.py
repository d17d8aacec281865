"""RunSpec -> stages with their inputs, and the leaderboard's lines. Pure: reads nothing, runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.chosen import Chosen, about
from bench.data import TRAIN, DataTable
from bench.spec import SCHEMA, derive_seed, key

DATA = "data"
GIVEN = "real"
"""The reference where two folders are compared: the real images given."""
HELD_OUT = "held-out"
_REAL_IMAGES = {TRAIN: "real training images", "test": "real test images", GIVEN: "real images"}
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
    helper: Chosen | None = None
    """A second plugin the action uses: the extractor whose pair distances a metric asks for."""

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "stage": self.action,
            "plugin": self.chosen.identity if self.chosen else None,
            "seed": self.seed,
            "inputs": {role: ref.key for role, ref in self.inputs.items()},
            **({"helper": self.helper.identity} if self.helper else {}),
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
    reference: str
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
    """A generator's set against the reference under one metric, in the space of one extractor or segmenter."""

    generator: str
    metric: str
    space: str
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
        comparison
        for generator in spec.generators
        for comparison in builder.comparisons(generator, sets[generator.name])
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

    def comparisons(self, generator: Chosen, fake: Ref) -> Iterator[Comparison]:
        reference = self.spec.reference
        real = {name: Ref(DATA, self.spec.data.reference(name)[0]) for name in (TRAIN, reference)}
        against = Against(generator.name, fake, generator.plugin.size(), reference, real[reference], real[TRAIN])
        for metric, extractor in self.spec.metrics:
            if metric.plugin.uses == "maps":
                for segmenter in self.spec.segmenters:
                    yield self._compared(against, metric, segmenter.name, self._aligned(against, metric, segmenter))
            else:
                stages = comparison_stages(against, metric, extractor, self._seed("score", metric.name))
                *_, score = [self._add(stage) for stage in stages]
                yield self._compared(against, metric, extractor.name if extractor else "", score)

    def _compared(self, against: Against, metric: Chosen, space: str, score: Ref) -> Comparison:
        return Comparison(against.name, metric.name, space, against.fake.key, score.key)

    def _aligned(self, against: Against, metric: Chosen, segmenter: Chosen) -> Ref:
        model = self._train(segmenter, "real", self._real_sets(), 0)
        held_out = {test.removeprefix("test/"): self._data(test) for test in self.spec.data.tests}
        seed = self._seed("score", metric.name)
        stages = alignment_stages(against, metric, segmenter, model, held_out, seed, self._of(0))
        *_, score = [self._add(stage) for stage in stages]
        return score

    def _real_sets(self) -> dict[str, Ref]:
        val = {"val": self._data("val")} if "val" in self.spec.data.fingerprints else {}
        return {"real": self._data(TRAIN), **val}

    def lines(self, segmenter: Chosen, sets: Mapping[str, Ref]) -> list[Line]:
        rows: dict[str, tuple[str, dict[str, Ref]]] = {"real": ("none", {})}
        row_of = "{} only" if self.spec.synthetic_only else "real+{}"
        rows |= {row_of.format(name): (name, {"synthetic": ref}) for name, ref in sets.items()}
        return [
            Line(row, generator, segmenter.name, _key_of(added.get("synthetic")), self._tests(segmenter, row, added))
            for row, (generator, added) in rows.items()
        ]

    def _tests(self, segmenter: Chosen, row: str, added: Mapping[str, Ref]) -> dict[str, tuple[str, ...]]:
        sets = {**self._real_sets(), **added}
        if added and self.spec.synthetic_only:
            del sets["real"]
        models = [self._train(segmenter, row, sets, repeat) for repeat in range(self.spec.seeds)]
        return {
            test: tuple(self._tested(model, segmenter, row, test, repeat).key for repeat, model in enumerate(models))
            for test in self.spec.data.tests
        }

    def _train(self, segmenter: Chosen, row: str, sets: Mapping[str, Ref], repeat: int) -> Ref:
        seed = self._seed("train", segmenter.name, repeat)
        return self._add(train_stage(segmenter, sets, seed, f"{row}{self._of(repeat)}"))

    def _of(self, repeat: int) -> str:
        return f" (seed {repeat + 1} of {self.spec.seeds})" if self.spec.seeds > 1 else ""

    def _tested(self, model: Ref, segmenter: Chosen, row: str, test: str, repeat: int) -> Ref:
        images = self._data(test)
        what = f"{row} on {test.removeprefix('test/')}{self._of(repeat)}"
        maps = self._add(maps_stage(segmenter, model, images, what))
        label = f"score {segmenter.name} of {what}"
        return self._add(Stage("segscore", None, 0, {"maps": maps, "truth": images}, label))


@dataclass(frozen=True)
class Against:
    """A synthetic set and what it is compared with. `size`: what real images are squashed to.

    `train`: what a generator may have copied from, None where the reference is all that is known.
    """

    name: str
    fake: Ref
    size: tuple[int, int] | None
    reference: str
    real: Ref
    train: Ref | None = None


def comparison_stages(against: Against, metric: Chosen, extractor: Chosen | None, seed: int) -> list[Stage]:
    """Stages that compare two sets under one metric; the last is the score. Inputs come before what needs them."""
    # A copy is one of a training image, whatever the reference is.
    copied, train = metric.plugin.views, against.train
    real, reference = (train, TRAIN) if copied and train else (against.real, against.reference)
    inputs, stages = {"real": real, "fake": against.fake}, []
    if extractor is not None and metric.plugin.uses == "features":
        asked = [("real", real, against.size, False), ("fake", against.fake, None, False)]
        asked += [("real", real, against.size, True)] if copied else []
        for side, images, size, views in asked:
            what = against.name if side == "fake" else _REAL_IMAGES[reference]
            stage = features_stage(extractor, images, size, views, what)
            inputs[f"{side}_{'views' if views else 'features'}"] = stage.ref
            stages.append(stage)
    helper = extractor if metric.plugin.uses == "distances" else None
    extra = {
        "label": extractor.plugin.look(metric.plugin.uses).label if extractor else "",
        "about": about(extractor, metric.plugin.uses, against.size),
        "reference": reference,
        **({"size": list(against.size) if against.size else None} if helper else {}),
    }
    label = f"{metric.name} of {against.name}"
    return [*stages, Stage("score", metric, seed, inputs, label, extra, helper)]


def features_stage(extractor: Chosen, images: Ref, size: tuple[int, int] | None, views: bool, what: str) -> Stage:
    """Features of images squashed to `size`; with `views`, of each flipped and turned in seven ways instead."""
    extra = {"size": list(size) if size else None, **({"views": True} if views else {})}
    at = f" at {size[0]} × {size[1]}" if size else ""
    turned = ", flipped and turned" if views else ""
    return Stage(
        "features", extractor, 0, {"images": images}, f"{extractor.name} features of {what}{at}{turned}", extra
    )


def alignment_stages(
    against: Against,
    metric: Chosen,
    segmenter: Chosen,
    model: Ref,
    held_out: Mapping[str, Ref],
    seed: int,
    of: str = "",
) -> list[Stage]:
    """Stages that score the maps which a network trained on real images alone makes of synthetic and held-out ones.

    `held_out`: real sets the network has not seen, by name; the last stage is the score.
    """
    maps = maps_stage(segmenter, model, against.fake, against.name)
    inputs, stages = {"fake": against.fake, "fake_maps": maps.ref}, [maps]
    for name, images in held_out.items():
        stages.append(maps_stage(segmenter, model, images, f"real on {name}{of}"))
        inputs |= {f"real/{name}": images, f"real_maps/{name}": stages[-1].ref}
    about_it = {"backbone": segmenter.name, "weights": "trained on real", "resize": ""}
    extra = {"label": segmenter.name, "about": about_it, "reference": HELD_OUT}
    label = f"{metric.name} of {against.name} by {segmenter.name}"
    return [*stages, Stage("score", metric, seed, inputs, label, extra)]


def train_stage(segmenter: Chosen, sets: Mapping[str, Ref], seed: int, what: str) -> Stage:
    return Stage("train", segmenter, seed, sets, f"train {segmenter.name} on {what}")


def maps_stage(segmenter: Chosen, model: Ref, images: Ref, what: str) -> Stage:
    """A trained network's probability map of each image."""
    inputs = {"model": model, "images": images}
    return Stage("predict", segmenter, 0, inputs, f"predict {segmenter.name} of {what}")


def _key_of(ref: Ref | None) -> str:
    return ref.key if ref else ""
