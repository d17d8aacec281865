"""Two folders -> the stages that compare them. Runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.contracts import Split
from bench.data.fingerprint import fingerprint
from bench.data.group_split import divide, group_count
from bench.data.image_folder import ImageFolder
from bench.errors import BenchError
from bench.identity import derive_seed
from bench.plan.actions import Train
from bench.plan.collection import Collection
from bench.plan.comparison import GIVEN, HELD_OUT, Against, alignment_stages, comparison_stages
from bench.plan.stage import DATA, Problem, Ref
from bench.plugins.available import Selection
from bench.plugins.resolved import ResolvedPlugin

SHARES = {"training": 2, HELD_OUT: 1}
"""How the real set is divided for metrics that train a network on it."""


class FolderPlan:
    """What compares folders; `collected` has the stages."""

    def __init__(self, seed: int, real: ImageFolder) -> None:
        self.seed, self.real = seed, real
        self.collected = Collection()
        self.splits: dict[str, Split] = {real.fingerprint: real.samples}

    def add(
        self, fakes: Iterable[ImageFolder], selected: Selection, segmenters: Sequence[ResolvedPlugin]
    ) -> list[Problem]:
        """Plans all that can be compared; returns what the folders do not allow."""
        problems = []
        for fake in fakes:
            self.splits[fake.fingerprint] = fake.samples
            for metric, extractor in selected.metrics:
                try:
                    self._compare(fake, metric, extractor, segmenters)
                except BenchError as error:
                    problems.append(Problem(f"{metric.name} of {fake.name}", str(error)))
        return problems

    def _compare(
        self,
        fake: ImageFolder,
        metric: ResolvedPlugin,
        extractor: ResolvedPlugin | None,
        segmenters: Sequence[ResolvedPlugin],
    ) -> None:
        against = Against(
            name=fake.name,
            fake=Ref(DATA, fake.fingerprint),
            size=fake.size,
            reference=GIVEN,
            real=Ref(DATA, self.real.fingerprint),
        )
        seed = derive_seed(self.seed, 0, "score", metric.name)
        if metric.plugin.uses != "maps":
            stages = comparison_stages(against, metric, extractor, seed)
            self.collected.compare(against, metric, extractor.name if extractor else "", stages)
            return
        training, held_out = self._divided(fake)
        for segmenter in segmenters:
            train = Train(
                label=f"train {segmenter.name} on two thirds of the real images",
                seed=derive_seed(self.seed, 0, "train", segmenter.name),
                segmenter=segmenter,
                real=training,
            )
            stages = alignment_stages(against, metric, train, {HELD_OUT: held_out}, seed)
            self.collected.compare(against, metric, segmenter.name, [train, *stages])

    def _divided(self, fake: ImageFolder) -> tuple[Ref, Ref]:
        """Real images a network is trained on, and those it is held against."""
        for folder in (self.real, fake):
            if not folder.has_masks:
                raise BenchError(f"{folder.path} has no masks; put them into masks/ beside images/, with equal stems")
        if group_count(self.real.samples) < len(SHARES):
            raise BenchError(f"{self.real.path}: one group cannot be divided into training and held-out images")
        part_of = divide(self.real.samples, SHARES, derive_seed(self.seed, 0, "divide", GIVEN))
        refs = []
        for part in SHARES:
            samples = tuple(sample for sample in self.real.samples if part_of[sample.id] == part)
            refs.append(Ref(DATA, fingerprint(samples)))
            self.splits[refs[-1].key] = samples
        return refs[0], refs[1]
