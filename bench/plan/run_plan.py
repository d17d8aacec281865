"""RunSpec -> stages with their inputs, and the leaderboard's rows. Pure: reads nothing, runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.contracts import TRAIN
from bench.data.splits import Splits
from bench.identity import derive_seed
from bench.plan.actions import Fit, Masks, Sample, SegScore, Train
from bench.plan.collection import Collection
from bench.plan.comparison import Against, alignment_stages, comparison_stages, maps_stage
from bench.plan.stage import DATA, Ref, Stage
from bench.plugins.profile import ROWS
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.sections import RandomMasks
from bench.store.run_manifest import CONTROL, Comparison, Row

NO_GENERATOR = "none"
EQUAL = "equal updates"


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """Everything a run is made of, resolved."""

    data: Splits
    profile: str
    seed: int
    seeds: int
    masks: str
    reference: str
    multiple: int
    train_on: tuple[str, ...]
    generators: tuple[ResolvedPlugin, ...]
    metrics: tuple[tuple[ResolvedPlugin, ResolvedPlugin | None], ...]
    segmenters: tuple[ResolvedPlugin, ...]
    shape_scores: bool = False
    fraction: int = 100
    select: str = "last"
    random_masks: RandomMasks = RandomMasks()


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """What a segmenter is trained on, and how many `pairs` that is.

    `repeated_to`: how many pairs the real ones are repeated to; `val`: real pairs that are only watched.
    """

    name: str
    generator: str
    pairs: int
    real: Ref | None = None
    synthetic: Ref | None = None
    repeated_to: int | None = None
    val: Ref | None = None


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
    for generator in spec.generators:
        builder.compare(generator, sets[generator.name])
    training_sets = builder.training_sets(sets)
    rows = [builder.row(segmenter, training, sets) for segmenter in spec.segmenters for training in training_sets]
    return Plan(builder.collected.stages, tuple(rows), builder.collected.comparisons)


class _Builder:
    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec
        self.collected = Collection()

    def _data(self, split: str) -> Ref:
        return Ref(DATA, self.spec.data.fingerprints[split])

    def _seed(self, action: str, name: str, repeat: int = 0) -> int:
        return derive_seed(self.spec.seed, repeat, action, name)

    def synthetic(self, generator: ResolvedPlugin) -> Ref:
        """The generator's set."""
        name, train = generator.name, self._data(TRAIN)
        conditions = train
        if self.spec.masks == "random":
            seed = self._seed("masks", "random")
            conditions = self.collected.add(
                Masks(label="random masks", seed=seed, train=train, ranges=self.spec.random_masks)
            )
        model = self.collected.add(
            Fit(label=f"train {name}", seed=self._seed("fit", name), generator=generator, train=train)
        )
        sample = Sample(
            label=f"sample {name}",
            seed=self._seed("sample", name),
            generator=generator,
            model=model,
            conditions=conditions,
            multiple=self.spec.multiple,
        )
        return self.collected.add(sample)

    def compare(self, generator: ResolvedPlugin, fake: Ref) -> None:
        """The generator's set under each metric; under a metric of maps, by each segmenter."""
        reference = self.spec.reference
        real = {name: Ref(DATA, self.spec.data.reference(name)[0]) for name in (TRAIN, reference)}
        against = Against(
            name=generator.name,
            fake=fake,
            size=generator.plugin.size(),
            reference=reference,
            real=real[reference],
            train=real[TRAIN],
        )
        for metric, extractor in self.spec.metrics:
            seed = self._seed("score", metric.name)
            if metric.plugin.uses == "maps":
                for segmenter in self.spec.segmenters:
                    stages = self._aligned(against, metric, segmenter, seed)
                    self.collected.compare(against, metric, segmenter.name, stages)
            else:
                stages = comparison_stages(against, metric, extractor, seed)
                self.collected.compare(against, metric, extractor.name if extractor else "", stages)

    def _aligned(self, against: Against, metric: ResolvedPlugin, segmenter: ResolvedPlugin, seed: int) -> list[Stage]:
        train = self._train(segmenter, self._real(), 0)
        held_out = {test.removeprefix("test/"): self._data(test) for test in self.spec.data.tests}
        return [train, *alignment_stages(against, metric, train, held_out, seed, self._of(0))]

    def _real(self) -> TrainingSet:
        return TrainingSet(
            name="real",
            generator=NO_GENERATOR,
            pairs=len(self.spec.data.splits[TRAIN]),
            real=self._data(TRAIN),
            val=self._data("val") if "val" in self.spec.data.fingerprints else None,
        )

    def training_sets(self, sets: Mapping[str, Ref]) -> list[TrainingSet]:
        """In the order of ROWS, each kind's generators in the run's order."""
        real = self._real()
        asked = real.pairs * self.spec.multiple
        made = {generator.name: generator.plugin.pairs(asked) for generator in self.spec.generators}
        added = [self._added(real, one, sets[one.name], made[one.name]) for one in self.spec.generators]
        equal = _equal_updates(real, added)
        only = [
            replace(
                real,
                name=f"{one.name} only{_mark(one)}",
                generator=one.name,
                pairs=made[one.name],
                real=None,
                synthetic=sets[one.name],
            )
            for one in self.spec.generators
        ]
        if {"equal-updates", "added"} <= set(self.spec.train_on):
            equal, added = _merged(equal, added)
        planned = {"real": [real], "equal-updates": equal, "added": added, "only": only}
        return [training for kind in ROWS if kind in self.spec.train_on for training in planned[kind]]

    def _added(self, real: TrainingSet, generator: ResolvedPlugin, synthetic: Ref, made: int) -> TrainingSet:
        pairs = real.pairs + made
        added = replace(real, name=f"real+{generator.name}{_mark(generator)}", generator=generator.name, pairs=pairs)
        if generator.plugin.repeats_real and self.spec.multiple == 1 and made == real.pairs:
            # The very training of the real pairs repeated: it is made once, under one key.
            return replace(added, repeated_to=pairs)
        return replace(added, synthetic=synthetic)

    def row(self, segmenter: ResolvedPlugin, training: TrainingSet, sets: Mapping[str, Ref]) -> Row:
        """A segmenter trained on a set with every seed, and tested on every test set."""
        trains = [self._train(segmenter, training, repeat) for repeat in range(self.spec.seeds)]
        models = tuple(self.collected.add(train).key for train in trains)
        scores = {
            test: tuple(self._tested(train, training.name, test, repeat).key for repeat, train in enumerate(trains))
            for test in self.spec.data.tests
        }
        return Row(
            trained_on=training.name,
            generator=training.generator,
            segmenter=segmenter.name,
            synthetic=sets[training.generator].key if training.generator in sets else "",
            pairs=training.pairs,
            models=models,
            scores=scores,
        )

    def _train(self, segmenter: ResolvedPlugin, training: TrainingSet, repeat: int) -> Train:
        tests = self.spec.data.tests if self.spec.select == "test" else ()
        return Train(
            label=f"train {segmenter.name} on {training.name}{self._of(repeat)}",
            seed=self._seed("train", segmenter.name, repeat),
            segmenter=segmenter,
            real=training.real,
            synthetic=training.synthetic,
            repeated_to=training.repeated_to,
            val=training.val,
            select={test.removeprefix("test/"): self._data(test) for test in tests},
        )

    def _of(self, repeat: int) -> str:
        return f" (seed {repeat + 1} of {self.spec.seeds})" if self.spec.seeds > 1 else ""

    def _tested(self, train: Train, trained_on: str, test: str, repeat: int) -> Ref:
        images = self._data(test)
        what = f"{trained_on} on {test.removeprefix('test/')}{self._of(repeat)}"
        maps = self.collected.add(maps_stage(train, images, what))
        label = f"score {train.segmenter.name} of {what}"
        return self.collected.add(SegScore(label=label, maps=maps, truth=images, shape=self.spec.shape_scores))


def _mark(generator: ResolvedPlugin) -> str:
    """Behind the name of what was trained on."""
    return f" {CONTROL}" if generator.plugin.control else ""


def _equal_updates(real: TrainingSet, added: Sequence[TrainingSet]) -> list[TrainingSet]:
    """The real pairs repeated until they are as many as with a synthetic set added: normally one set for all."""
    counts = sorted({training.pairs for training in added})
    names = {count: f"real, {EQUAL} ({count} pairs)" if len(counts) > 1 else f"real, {EQUAL}" for count in counts}
    return [replace(real, name=names[count], pairs=count, repeated_to=count) for count in counts]


def _merged(equal: Sequence[TrainingSet], added: Sequence[TrainingSet]) -> tuple[list[TrainingSet], list[TrainingSet]]:
    """The same, where a training that stands among both kinds stands among the added ones under both names."""
    both = {training.pairs for training in added if training.repeated_to}
    named = [
        replace(training, name=f"{training.name} ({EQUAL})") if training.repeated_to else training for training in added
    ]
    return [training for training in equal if training.pairs not in both], named
