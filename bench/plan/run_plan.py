"""RunSpec -> stages with their inputs, and the leaderboard's rows. Pure: reads nothing, runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bench.contracts import TRAIN
from bench.data.splits import Splits
from bench.identity import derive_seed
from bench.plan.comparison import Against, alignment_stages, comparison_stages, maps_stage, train_stage
from bench.plan.stage import DATA, SELECT, Ref, Stage
from bench.plugins.profile import ROWS
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.sections import RandomMasks
from bench.segscores import VERSION
from bench.store.run_manifest import Comparison, Row

MASKS_VERSION = 3
"""Raised when random masks of the same seed come out otherwise."""
NO_GENERATOR = "none"
EQUAL = "real, equal updates"


@dataclass(frozen=True)
class RunSpec:
    """Everything a run is made of, resolved."""

    data: Splits
    profile: str
    seed: int
    seeds: int
    masks: str
    reference: str
    multiple: int
    rows: tuple[str, ...]
    generators: tuple[ResolvedPlugin, ...]
    metrics: tuple[tuple[ResolvedPlugin, ResolvedPlugin | None], ...]
    segmenters: tuple[ResolvedPlugin, ...]
    shape_scores: bool = False
    fraction: int = 100
    select: str = "last"
    random_masks: RandomMasks = RandomMasks()


@dataclass(frozen=True)
class TrainingSet:
    """What a segmenter is trained on: sets by role, how many pairs they have, and how often the real ones repeat."""

    name: str
    generator: str
    sets: Mapping[str, Ref]
    pairs: int
    extra: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Stages in an order in which every input comes first."""

    stages: tuple[Stage, ...]
    rows: tuple[Row, ...]
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
    training_sets = builder.training_sets(sets)
    rows = [row for segmenter in spec.segmenters for row in builder.rows(segmenter, training_sets)]
    return Plan(tuple(builder.stages.values()), tuple(rows), tuple(comparisons))


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

    def synthetic(self, generator: ResolvedPlugin) -> Ref:
        train = self._data("train")
        conditions = train
        if self.spec.masks == "random":
            seed = self._seed("masks", "random")
            extra: dict[str, Any] = {"version": MASKS_VERSION, "params": asdict(self.spec.random_masks)}
            conditions = self._add(Stage("masks", None, seed, {"train": train}, "random masks", extra))
        name = generator.name
        model = self._add(Stage("fit", generator, self._seed("fit", name), {"train": train}, f"train {name}"))
        inputs = {"conditions": conditions, "model": model}
        copies = {"multiple": self.spec.multiple} if self.spec.multiple > 1 else {}
        return self._add(Stage("sample", generator, self._seed("sample", name), inputs, f"sample {name}", copies))

    def comparisons(self, generator: ResolvedPlugin, fake: Ref) -> Iterator[Comparison]:
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

    def _compared(self, against: Against, metric: ResolvedPlugin, space: str, score: Ref) -> Comparison:
        return Comparison(
            generator=against.name, metric=metric.name, space=space, synthetic=against.fake.key, key=score.key
        )

    def _aligned(self, against: Against, metric: ResolvedPlugin, segmenter: ResolvedPlugin) -> Ref:
        model = self._train(segmenter, self._real(), 0)
        held_out = {test.removeprefix("test/"): self._data(test) for test in self.spec.data.tests}
        seed = self._seed("score", metric.name)
        stages = alignment_stages(against, metric, segmenter, model, held_out, seed, self._of(0))
        *_, score = [self._add(stage) for stage in stages]
        return score

    def _real_sets(self) -> dict[str, Ref]:
        val = {"val": self._data("val")} if "val" in self.spec.data.fingerprints else {}
        return {"real": self._data(TRAIN), **val}

    def _real(self) -> TrainingSet:
        return TrainingSet("real", NO_GENERATOR, self._real_sets(), len(self.spec.data.splits[TRAIN]))

    def training_sets(self, sets: Mapping[str, Ref]) -> list[TrainingSet]:
        """In the order of ROWS, each kind's generators in the run's order."""
        real = self._real()
        alone = {name: ref for name, ref in real.sets.items() if name != "real"}
        asked = real.pairs * self.spec.multiple
        made = {generator.name: generator.plugin.pairs(asked) for generator in self.spec.generators}
        added = [
            TrainingSet(f"real+{name}", name, {**real.sets, "synthetic": ref}, real.pairs + made[name])
            for name, ref in sets.items()
        ]
        only = [
            TrainingSet(f"{name} only", name, {**alone, "synthetic": ref}, made[name]) for name, ref in sets.items()
        ]
        planned = {"real": [real], "equal-updates": _equal_updates(real, added), "added": added, "only": only}
        return [one for kind in ROWS if kind in self.spec.rows for one in planned[kind]]

    def rows(self, segmenter: ResolvedPlugin, training_sets: Sequence[TrainingSet]) -> Iterator[Row]:
        for one in training_sets:
            models = [self._train(segmenter, one, repeat) for repeat in range(self.spec.seeds)]
            scores = {
                test: tuple(
                    self._tested(model, segmenter, one.name, test, repeat).key for repeat, model in enumerate(models)
                )
                for test in self.spec.data.tests
            }
            yield Row(
                trained_on=one.name,
                generator=one.generator,
                segmenter=segmenter.name,
                synthetic=one.sets["synthetic"].key if "synthetic" in one.sets else "",
                pairs=one.pairs,
                models=tuple(model.key for model in models),
                scores=scores,
            )

    def _train(self, segmenter: ResolvedPlugin, one: TrainingSet, repeat: int) -> Ref:
        seed = self._seed("train", segmenter.name, repeat)
        judges = self.spec.data.tests if self.spec.select == "test" else ()
        sets = {**one.sets, **{SELECT + test.removeprefix("test/"): self._data(test) for test in judges}}
        return self._add(train_stage(segmenter, sets, seed, f"{one.name}{self._of(repeat)}", one.extra))

    def _of(self, repeat: int) -> str:
        return f" (seed {repeat + 1} of {self.spec.seeds})" if self.spec.seeds > 1 else ""

    def _tested(self, model: Ref, segmenter: ResolvedPlugin, trained_on: str, test: str, repeat: int) -> Ref:
        images = self._data(test)
        what = f"{trained_on} on {test.removeprefix('test/')}{self._of(repeat)}"
        maps = self._add(maps_stage(segmenter, model, images, what))
        label = f"score {segmenter.name} of {what}"
        extra = {"version": VERSION, **({"shape": True} if self.spec.shape_scores else {})}
        return self._add(Stage("segscore", None, 0, {"maps": maps, "truth": images}, label, extra))


def _equal_updates(real: TrainingSet, added: Sequence[TrainingSet]) -> list[TrainingSet]:
    """The real pairs repeated until they are as many as with a synthetic set added: normally one set for all."""
    counts = sorted({one.pairs for one in added})
    names = {count: f"{EQUAL} ({count} pairs)" if len(counts) > 1 else EQUAL for count in counts}
    return [replace(real, name=names[count], pairs=count, extra={"pairs": count}) for count in counts]
