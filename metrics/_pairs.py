"""Which images are compared with which: of one mask, of unrelated masks, and samples of one mask with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench.contracts import Sample, Split

PAIRED, RANDOM, INTRA, REAL = "paired", "random-pair", "intra-mask", "real-real"
MASKS, SAMPLES = 50, 8
"""Masks, and samples of each, that are compared within a mask: pairs grow with the square of the samples."""


@dataclass(frozen=True)
class Mask:
    """A mask: the synthetic images made from it and its real image, where the real set has it."""

    id: str
    fakes: Split
    real: Sample | None

    @property
    def cluster(self) -> str:
        """What is not independent: a video sequence or patient, or all that belongs to one mask."""
        return (self.real or self.fakes[0]).group or self.id


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two images to compare: `kind` of comparison, id of the image or mask it counts for, and the cluster of that."""

    kind: str
    one: Sample
    other: Sample
    of: str
    cluster: str


def pairs_of(real: Split, fake: Split, seed: int) -> list[Pair]:
    """All comparisons of two sets, in an order that depends on ids and seed, not on the order of the sets.

    Each synthetic image meets its own real image (`PAIRED`) and that of a mask of another group (`RANDOM`). Where the
    real set has none of the masks, each meets a real image drawn by seed, as long as there are any. At most 50 masks
    drawn by seed have up to 8 of their samples compared with each other (`INTRA`), and their real image with an
    unrelated one (`REAL`). All comparisons of an image stand close together, so it need not be held for long.
    """
    rng = np.random.default_rng(seed)
    masks = _masks(real, fake, rng)
    paired = [mask for mask in masks if mask.real]
    several = {mask.id for mask in [mask for mask in masks if len(mask.fakes) > 1][:MASKS]}
    if not paired:
        ordered = sorted(real, key=lambda sample: sample.id)
        strangers = iter([ordered[row] for row in rng.permutation(len(ordered))])
        return [pair for mask in masks for pair in (*_met(mask, strangers), *_within(mask, several))]
    found = []
    for index, mask in enumerate(paired):
        stranger = _stranger(paired, index)
        found += [pair for fake in mask.fakes for pair in _both(mask, fake, stranger)]
        found += _within(mask, several, stranger)
    return found + [pair for mask in masks if not mask.real for pair in _within(mask, several)]


def _masks(real: Split, fake: Split, rng: np.random.Generator) -> list[Mask]:
    """In an order drawn by seed."""
    known = {sample.id: sample for sample in real}
    made: dict[str, list[Sample]] = {}
    for sample in sorted(fake, key=lambda sample: sample.id):
        made.setdefault(sample.condition, []).append(sample)
    return [Mask(name, tuple(made[name]), known.get(name)) for name in rng.permutation(sorted(made)).tolist()]


def _stranger(masks: Sequence[Mask], index: int) -> Sample | None:
    """Real image of the nearest mask before, in a circle, that is of another group; None where all are of one."""
    before = (masks[index - step] for step in range(1, len(masks)))
    return next((mask.real for mask in before if mask.cluster != masks[index].cluster), None)


def _both(mask: Mask, fake: Sample, stranger: Sample | None) -> Iterator[Pair]:
    assert mask.real is not None
    yield Pair(kind=PAIRED, one=mask.real, other=fake, of=fake.id, cluster=mask.cluster)
    if stranger is not None:
        yield Pair(kind=RANDOM, one=stranger, other=fake, of=fake.id, cluster=mask.cluster)


def _met(mask: Mask, strangers: Iterator[Sample]) -> Iterator[Pair]:
    for fake, stranger in zip(mask.fakes, strangers, strict=False):
        yield Pair(kind=RANDOM, one=stranger, other=fake, of=fake.id, cluster=mask.cluster)


def _within(mask: Mask, several: set[str], stranger: Sample | None = None) -> Iterator[Pair]:
    if mask.id not in several:
        return
    for one, other in combinations(mask.fakes[:SAMPLES], 2):
        yield Pair(kind=INTRA, one=one, other=other, of=mask.id, cluster=mask.cluster)
    if mask.real is not None and stranger is not None:
        yield Pair(kind=REAL, one=stranger, other=mask.real, of=mask.id, cluster=mask.cluster)
