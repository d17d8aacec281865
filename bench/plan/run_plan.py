"""RunSpec -> stages with their inputs, and the leaderboard's rows. Pure: reads nothing, runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.contracts import GENERATOR, SAMPLE, SEGMENTER, TRAIN, UNUSED
from bench.data.splits import Splits
from bench.identity import derive_seed
from bench.plan.actions import Fit, Keep, Masks, Sample, SegScore, Train
from bench.plan.collection import Collection
from bench.plan.comparison import Against, alignment_stages, comparison_stages, maps_stage
from bench.plan.keep_rule import KeepRule
from bench.plan.stage import DATA, Ref, Stage
from bench.plan.training_set import EQUAL, NO_GENERATOR, TrainingSet
from bench.plan.worth_sets import Share, on_curve, worth_sets
from bench.plugins.profile import ROWS
from bench.plugins.resolved import ResolvedPlugin
from bench.plugins.sections import RandomMasks
from bench.store.run_manifest import CONTROL, Comparison, Row
from bench.store.worth_manifest import OnCurve


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """Everything a run is made of, resolved."""

    data: Splits
    profile: str
    seed: int
    repeats: int
    vary: tuple[str, ...]
    margin: float
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
    curve: tuple[Share, ...] = ()
    """Shares of the real pairs, the least first: with them, the run asks what its generators' sets are worth."""
    keep: tuple[KeepRule, ...] = ()
    """Each generator that competes has its set filtered by each, beside the whole one."""

    @property
    def filtered(self) -> tuple[Filtered, ...]:
        """In the order of generators and rules. The real pairs once more are no set to filter."""
        ranked = [one for one in self.generators if not one.plugin.control and not one.plugin.repeats_real]
        return tuple(Filtered(one, rule) for one in ranked for rule in self.keep)

    @property
    def sets(self) -> tuple[ResolvedPlugin, ...]:
        """The generators, and under names of their own those whose set is filtered."""
        return (*self.generators, *(one.as_generator for one in self.filtered))


@dataclass(frozen=True)
class Filtered:
    """A generator's set of which a rule keeps some pairs."""

    generator: ResolvedPlugin
    rule: KeepRule

    @property
    def name(self) -> str:
        """Of the set, in rows and columns."""
        return f"{self.generator.name} ({self.rule})"

    @property
    def as_generator(self) -> ResolvedPlugin:
        """Under its name."""
        return replace(self.generator, name=self.name)


@dataclass(frozen=True)
class Plan:
    """Stages in an order in which every input comes first; `sets`: those whose worth is read on the run's curve."""

    stages: tuple[Stage, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    sets: tuple[OnCurve, ...] = ()


def plan(spec: RunSpec) -> Plan:
    """The whole run. The same stage asked for twice (reference features) appears once."""
    builder, repeats = _Builder(spec), range(spec.repeats)
    sets = {one.name: tuple(builder.synthetic(one, repeat) for repeat in repeats) for one in spec.generators}
    sets |= {one.name: builder.filter(one, sets[one.generator.name]) for one in spec.filtered}
    for generator in spec.sets:
        builder.compare(generator, sets[generator.name])
    training_sets = builder.training_sets(sets)
    rows = [builder.row(segmenter, training, sets) for segmenter in spec.segmenters for training in training_sets]
    placed = on_curve(training_sets, len(spec.data.splits[TRAIN]), builder.made()) if spec.curve else ()
    return Plan(builder.collected.stages, tuple(rows), builder.collected.comparisons, placed)


class _Builder:
    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec
        self.collected = Collection()

    def _data(self, split: str) -> Ref:
        return Ref(DATA, self.spec.data.fingerprints[split])

    def _seed(self, action: str, name: str, repeat: int = 0) -> int:
        return derive_seed(self.spec.seed, repeat, action, name)

    def _of(self, repeat: int, varies: bool) -> str:
        return f" (repeat {repeat + 1} of {self.spec.repeats})" if varies and self.spec.repeats > 1 else ""

    def _varies(self, source: str, generator: ResolvedPlugin | None = None) -> bool:
        """Whether a source of randomness has a seed of its own in each repeat."""
        return source in self.spec.vary and (generator is None or source in generator.plugin.varies)

    def synthetic(self, generator: ResolvedPlugin, repeat: int) -> Ref:
        """The generator's set in a repeat: that of every other one where nothing in it varies."""
        name, trains, draws = generator.name, self._varies(GENERATOR, generator), self._varies(SAMPLE, generator)
        fit = Fit(
            label=f"train {name}{self._of(repeat, trains)}",
            seed=self._seed("fit", name, repeat if trains else 0),
            generator=generator,
            train=self._data(TRAIN),
        )
        sample = Sample(
            label=f"sample {name}{self._of(repeat, trains or draws)}",
            seed=self._seed("sample", name, repeat if draws else 0),
            generator=generator,
            model=self.collected.add(fit),
            conditions=self._conditions(generator, repeat if draws else 0),
            multiple=self._multiple(generator),
        )
        return self.collected.add(sample)

    def _multiple(self, generator: ResolvedPlugin) -> int:
        """How often each condition is sampled from: of real pairs there is one each."""
        return 1 if generator.plugin.takes_unused() else self.spec.multiple

    def _asked(self, generator: ResolvedPlugin) -> int:
        """How many pairs it is asked for."""
        split = UNUSED if generator.plugin.takes_unused() else TRAIN
        return len(self.spec.data.splits[split]) * self._multiple(generator)

    def _conditions(self, generator: ResolvedPlugin, repeat: int) -> Ref:
        """What is sampled from: the training pairs, or their masks moved at random; or the pairs that are unused."""
        if generator.plugin.takes_unused():
            return self._data(UNUSED)
        train, draws = self._data(TRAIN), self._varies(SAMPLE)
        if self.spec.masks != "random":
            return train
        masks = Masks(
            label=f"random masks{self._of(repeat, draws)}",
            seed=self._seed("masks", "random", repeat),
            train=train,
            ranges=self.spec.random_masks,
        )
        return self.collected.add(masks)

    def filter(self, filtered: Filtered, fakes: Sequence[Ref]) -> tuple[Ref, ...]:
        """What the rule keeps of the set of each repeat: by a judge of its own where one is trained anew in each."""
        asked = [metric.plugin for metric, _ in self.spec.metrics if metric.name in filtered.rule.metrics]
        judged = self._varies(SEGMENTER) and any(plugin.uses == "maps" for plugin in asked)
        several = judged or len(set(fakes)) > 1
        first = {fake: repeat for repeat, fake in reversed(list(enumerate(fakes)))}
        return tuple(
            self._kept(filtered, fake, repeat if judged else first[fake], several) for repeat, fake in enumerate(fakes)
        )

    def _kept(self, filtered: Filtered, fake: Ref, repeat: int, several: bool) -> Ref:
        against = self._against(filtered.generator, fake, repeat, several)
        scores = tuple(self._look(against, name) for name in filtered.rule.metrics)
        label = f"keep of {against.title} what is {filtered.rule}"
        return self.collected.add(Keep(label=label, of=fake, scores=scores, rule=filtered.rule))

    def _look(self, against: Against, name: str) -> Ref:
        """The metric's score of the set, by the first network or extractor of the run.

        The network's training and its score see real training pairs alone: a test image must not choose what networks
        are trained on.
        """
        metric, extractor = next(one for one in self.spec.metrics if one[0].name == name)
        seed = self._seed("score", name)
        if metric.plugin.uses == "maps":
            judge = replace(self._train(self.spec.segmenters[0], self._real(), against.repeat), select={})
            stages = [judge, *alignment_stages(against, metric, judge, {TRAIN: self._data(TRAIN)}, seed)]
        else:
            stages = comparison_stages(against, metric, extractor, seed)
        *_, score = [self.collected.add(stage) for stage in stages]
        return score

    def compare(self, generator: ResolvedPlugin, fakes: Sequence[Ref]) -> None:
        """The generator's set of each repeat under each metric; under a metric of maps, by each segmenter."""
        for repeat, fake in enumerate(dict.fromkeys(fakes)):
            self._compare(generator, fake, repeat, several=len(set(fakes)) > 1)

    def _against(self, generator: ResolvedPlugin, fake: Ref, repeat: int, several: bool) -> Against:
        reference = self.spec.reference
        real = {name: Ref(DATA, self.spec.data.reference(name)[0]) for name in (TRAIN, reference)}
        return Against(
            name=generator.name,
            fake=fake,
            size=generator.plugin.size(),
            reference=reference,
            real=real[reference],
            train=real[TRAIN],
            repeat=repeat,
            of=self._of(repeat, several),
        )

    def _compare(self, generator: ResolvedPlugin, fake: Ref, repeat: int, several: bool) -> None:
        against = self._against(generator, fake, repeat, several)
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
        """By the network of the same repeat: its own noise is then in the spread of repeats."""
        train = self._train(segmenter, self._real(), against.repeat)
        held_out = {test.removeprefix("test/"): self._data(test) for test in self.spec.data.tests}
        return [train, *alignment_stages(against, metric, train, held_out, seed)]

    def _real(self) -> TrainingSet:
        return TrainingSet(
            name="real",
            kind="real",
            generator=NO_GENERATOR,
            pairs=len(self.spec.data.splits[TRAIN]),
            real=self._data(TRAIN),
            val=self._data("val") if "val" in self.spec.data.fingerprints else None,
        )

    def made(self) -> dict[str, int]:
        """How many pairs each generator's set has."""
        return {one.name: one.plugin.pairs(self._asked(one)) for one in self.spec.sets}

    def training_sets(self, sets: Mapping[str, tuple[Ref, ...]]) -> list[TrainingSet]:
        """In the order of ROWS, each kind's generators in the run's order."""
        real, made = self._real(), self.made()
        added = [self._added(real, one, sets[one.name], made[one.name]) for one in self.spec.sets]
        only = [self._only(real, one, sets[one.name], made[one.name]) for one in self.spec.sets]
        if self.spec.curve:
            asked_for = {"added": added, "only": only}
            rows = [one for kind in ROWS if kind in self.spec.train_on for one in asked_for[kind]]
            return worth_sets(real, self.spec.curve, rows)
        equal = _equal_updates(real, added)
        if {"equal-updates", "added"} <= set(self.spec.train_on):
            equal, added = _merged(equal, added)
        planned = {"real": [real], "equal-updates": equal, "added": added, "only": only}
        return [training for kind in ROWS if kind in self.spec.train_on for training in planned[kind]]

    def _added(
        self, real: TrainingSet, generator: ResolvedPlugin, synthetic: tuple[Ref, ...], made: int
    ) -> TrainingSet:
        pairs = real.pairs + made
        name = f"real+{generator.name}{_mark(generator)}"
        added = replace(real, name=name, kind="added", generator=generator.name, pairs=pairs)
        if generator.plugin.repeats_real and self.spec.multiple == 1 and made == real.pairs:
            # The very training of the real pairs repeated: it is made once, under one key.
            return replace(added, repeated_to=pairs)
        return replace(added, synthetic=synthetic, synthetic_to=self._synthetic_to(generator, made))

    def _only(self, real: TrainingSet, generator: ResolvedPlugin, synthetic: tuple[Ref, ...], made: int) -> TrainingSet:
        name = f"{generator.name} only{_mark(generator)}"
        alone = replace(real, name=name, kind="only", generator=generator.name, pairs=made, real=None)
        return replace(alone, synthetic=synthetic, synthetic_to=self._synthetic_to(generator, made))

    def _synthetic_to(self, generator: ResolvedPlugin, made: int) -> int | None:
        """How many pairs a rule keeps is not known before. They are repeated to as many as there were: a filtered set
        has the updates and the share of the whole one, and the same row of equal updates beside it."""
        return made if generator.name in {one.name for one in self.spec.filtered} else None

    def row(self, segmenter: ResolvedPlugin, training: TrainingSet, sets: Mapping[str, tuple[Ref, ...]]) -> Row:
        """A segmenter trained on a set in every repeat, and tested on every test set."""
        trains = [self._train(segmenter, training, repeat) for repeat in range(self.spec.repeats)]
        models = tuple(self.collected.add(train).key for train in trains)
        scores = {
            test: tuple(self._tested(train, training.name, test, repeat).key for repeat, train in enumerate(trains))
            for test in self.spec.data.tests
        }
        return Row(
            trained_on=training.name,
            kind=training.kind,
            generator=training.generator,
            segmenter=segmenter.name,
            synthetic=tuple(dict.fromkeys(one.key for one in sets.get(training.generator, ()))),
            pairs=training.pairs,
            models=models,
            scores=scores,
        )

    def _train(self, segmenter: ResolvedPlugin, training: TrainingSet, repeat: int) -> Train:
        tests = self.spec.data.tests if self.spec.select == "test" else ()
        return Train(
            label=f"train {segmenter.name} on {training.name}{self._of(repeat, self._retrained(training))}",
            seed=self._seed("train", segmenter.name, repeat if self._varies(SEGMENTER) else 0),
            segmenter=segmenter,
            real=training.real,
            synthetic=training.synthetic[repeat] if training.synthetic else None,
            synthetic_to=training.synthetic_to,
            repeated_to=training.repeated_to,
            val=training.val,
            select={test.removeprefix("test/"): self._data(test) for test in tests},
        )

    def _retrained(self, training: TrainingSet) -> bool:
        """Whether a network is trained on it anew in each repeat."""
        return self._varies(SEGMENTER) or len(set(training.synthetic)) > 1

    def _tested(self, train: Train, trained_on: str, test: str, repeat: int) -> Ref:
        images = self._data(test)
        what = f"{trained_on} on {test.removeprefix('test/')}{self._of(repeat, True)}"
        maps = self.collected.add(maps_stage(train, images, what))
        label = f"score {train.segmenter.name} of {what}"
        return self.collected.add(SegScore(label=label, maps=maps, truth=images, shape=self.spec.shape_scores))


def _mark(generator: ResolvedPlugin) -> str:
    """Behind the name of what was trained on."""
    if generator.plugin.control:
        return f" {CONTROL}"
    remark = generator.plugin.remark()
    return f" ({remark})" if remark else ""


def _equal_updates(real: TrainingSet, added: Sequence[TrainingSet]) -> list[TrainingSet]:
    """The real pairs repeated until they are as many as with a synthetic set added: normally one set for all."""
    counts = sorted({training.pairs for training in added})
    names = {count: f"real, {EQUAL} ({count} pairs)" if len(counts) > 1 else f"real, {EQUAL}" for count in counts}
    return [replace(real, name=names[count], kind="equal-updates", pairs=count, repeated_to=count) for count in counts]


def _merged(equal: Sequence[TrainingSet], added: Sequence[TrainingSet]) -> tuple[list[TrainingSet], list[TrainingSet]]:
    """The same, where a training that stands among both kinds stands among the added ones under both names."""
    shared = [training for training in added if training.repeated_to and not training.synthetic]
    both = {training.pairs for training in shared}
    named = [
        replace(training, name=f"{training.name} ({EQUAL})") if training in shared else training for training in added
    ]
    return [training for training in equal if training.pairs not in both], named
