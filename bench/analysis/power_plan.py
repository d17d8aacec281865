"""Repeats and test images for a wanted difference. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.analysis.components import with_noise
from bench.analysis.verdicts import Verdict
from bench.stats.power import Spread, images_needed, least_difference, repeats_needed
from bench.stats.student import LEVEL

REPEATS = (1, 2, 3, 5, 10, 20)
TIMES = (1, 2, 4, 8)
"""Multiples of the test images that are shown."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """`repeats` on `images` test images, which are `groups` independent ones, for a difference of `margin`.

    `spread`: of one group; `comparisons`: rows that are held against Holm's correction together.
    """

    margin: float
    spread: Spread
    repeats: int
    images: int
    groups: int
    comparisons: int = 1

    @property
    def level(self) -> float:
        """Of the intervals: what the first step of Holm's correction asks for."""
        return corrected(self.comparisons)

    def least(self, repeats: int, times: int = 1) -> float:
        """The smallest difference shown, with so many times the test images."""
        return least_difference(self.spread, repeats, self.groups * times, level=self.level)

    @property
    def repeats_needed(self) -> int | None:
        """On these test images; None where no number of them shows the margin."""
        return repeats_needed(self.spread, self.margin, self.groups, self.level)

    def images_needed(self, repeats: int) -> int | None:
        """With so many repeats, in groups as large as these; None where no number of them shows the margin."""
        groups = images_needed(self.spread, self.margin, repeats, self.level)
        return None if groups is None else math.ceil(groups * self.images / self.groups)

    @property
    def both_needed(self) -> tuple[int, int] | None:
        """Fewest of the repeats shown for which there is a number of test images, and that number."""
        return next(((one, found) for one in REPEATS[1:] if (found := self.images_needed(one))), None)

    def cells(self) -> Iterator[tuple[int, int, float]]:
        """Repeats, multiple of the test images, smallest difference shown."""
        yield from ((repeats, times, self.least(repeats, times)) for repeats in REPEATS for times in TIMES)


def corrected(comparisons: int) -> float:
    """Level of an interval that is one of so many."""
    return 1 - (1 - LEVEL) / max(1, comparisons)


def compared(found: Sequence[Verdict]) -> list[Verdict]:
    """Those whose spread a plan rests on: the comparisons of the first convention, over all images."""
    return [one for one in with_noise(found) if one.comparisons and one.spread]


def mean_spread(found: Sequence[Verdict]) -> Spread:
    """Mean variances of several comparisons: a single one of few repeats would be a guess."""
    spreads = [one.spread for one in found if one.spread]

    def mean(name: str) -> float:
        return math.sqrt(sum(getattr(one, name) ** 2 for one in spreads) / len(spreads))

    return Spread(repeat=mean("repeat"), image=mean("image"), both=mean("both"))
