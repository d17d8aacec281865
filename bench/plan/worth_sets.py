"""The training sets that say what synthetic images are worth: shares of the real pairs, and sets to compare. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.contracts import Split
from bench.plan.stage import DATA, Ref
from bench.plan.training_set import EQUAL, NO_GENERATOR, TrainingSet
from bench.store.worth_manifest import ADDED, OnCurve

LEAST_SHARES = 2
"""Fewer make no curve."""


@dataclass(frozen=True, eq=False)
class Share:
    """So many `percent` of a dataset's real training pairs, in whole groups, and their fingerprint."""

    percent: int
    pairs: Split
    fingerprint: str

    @property
    def name(self) -> str:
        """What a network on the curve was trained on."""
        return f"real {self.percent} %, {EQUAL}"


def worth_sets(real: TrainingSet, curve: Sequence[Share], rows: Sequence[TrainingSet]) -> list[TrainingSet]:
    """The curve, then the rows, all repeated to the pairs of the largest: every training has as many updates.

    `real`: a training on real pairs, of which each share is a variant; `rows`: with a generator's set.
    """
    shares = [
        replace(real, name=one.name, kind="equal-updates", pairs=len(one.pairs), real=Ref(DATA, one.fingerprint))
        for one in curve
    ]
    named = [replace(one, name=f"{one.name}, {EQUAL}") for one in rows]
    largest = max(one.pairs for one in (*shares, *named))
    return [_repeated(one, largest) for one in (*shares, *named)]


def _repeated(training: TrainingSet, count: int) -> TrainingSet:
    """One that has as many stays as it is, and shares its key with the same training of other runs."""
    if training.pairs == count:
        return training
    return replace(training, pairs=count, repeated_to=count)


def on_curve(trainings: Sequence[TrainingSet], real: int, made: Mapping[str, int]) -> tuple[OnCurve, ...]:
    """Those with a generator's set, of `made` pairs each, added to `real` pairs or alone."""
    return tuple(
        OnCurve(
            trained_on=one.name,
            generator=one.generator,
            kind=one.kind,
            real=real if one.kind == ADDED else 0,
            synthetic=made[one.generator],
        )
        for one in trainings
        if one.generator != NO_GENERATOR
    )
