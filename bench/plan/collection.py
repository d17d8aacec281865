"""Stages as a plan collects them, and the comparisons they end in."""

from __future__ import annotations

from collections.abc import Sequence

from bench.plan.comparison import Against
from bench.plan.stage import Ref, Stage
from bench.plugins.resolved import ResolvedPlugin
from bench.store.run_manifest import Comparison


class Collection:
    """Stages in an order in which every input comes first; one that is asked for twice appears once."""

    def __init__(self) -> None:
        self._stages: dict[Ref, Stage] = {}
        self._comparisons: list[Comparison] = []

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All that were added."""
        return tuple(self._stages.values())

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """A set under a metric, in the order of asking."""
        return tuple(self._comparisons)

    def add(self, stage: Stage) -> Ref:
        """Its output. The inputs have been added before."""
        return self._stages.setdefault(stage.ref, stage).ref

    def compare(self, against: Against, metric: ResolvedPlugin, space: str, stages: Sequence[Stage]) -> None:
        """Add the stages of a comparison, of which the last is the score. `space`: the extractor or the segmenter."""
        *_, score = [self.add(stage) for stage in stages]
        self._comparisons.append(
            Comparison(
                generator=against.name,
                metric=metric.name,
                space=space,
                synthetic=against.fake.key,
                repeat=against.repeat,
                key=score.key,
            )
        )
