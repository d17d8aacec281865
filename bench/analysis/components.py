"""Where the noise of a comparison comes from, and what more repeats or test images would leave of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.origin import Scope
from bench.analysis.sources import WORDS
from bench.analysis.verdicts import Verdict, in_first_convention
from bench.contracts import GENERATOR, SAMPLE, SEGMENTER, SOURCES
from bench.stats.confidence import Variances, variances

IMAGES = "test images"
BOTH = f"repeats × {IMAGES}"
ALL = "all together"
TRAINING_AGAIN = "--train-on real or equal-updates"


@dataclass(frozen=True, eq=False, kw_only=True)
class Component:
    """A part of the variance of one repeat's difference on these test images, and what makes it smaller.

    `verdict`: the difference that it is of.
    """

    verdict: Verdict
    name: str
    variance: float
    by_repeats: bool
    by_images: bool

    @property
    def sd(self) -> float:
        """Standard deviation of one repeat's difference."""
        return math.sqrt(self.variance)

    def error(self, more_repeats: int = 1, more_images: int = 1) -> float:
        """Standard error of the mean over repeats, with so many times the repeats or the test images."""
        repeats = len(self.verdict.number.by_repeat) * more_repeats if self.by_repeats else 1
        return math.sqrt(self.variance / repeats / (more_images if self.by_images else 1))


def with_noise(found: Sequence[Verdict]) -> list[Verdict]:
    """Of the first convention, over all images: those that have an interval and differ."""
    shown = in_first_convention(found)
    return [one for one in shown if one.number.defined is not None and one.estimate.bounds != (0, 0)]


def components(found: Sequence[Verdict]) -> list[list[Component]]:
    """Of each difference in the first convention over all images, by the method of moments: none is below 0.

    What a generator's training and its sampling add is what repeats of its row vary by more than those of rows
    without anything random but the networks' training, which are taken to vary alike in all rows of a network.
    """
    shown = with_noise(found)
    parts = [variances(one.number.defined, one.number.by_repeat) for one in shown if one.number.defined is not None]
    alone = _of_training_alone(shown, parts)
    return [list(_of_one(one, own, alone.get(_network(one)))) for one, own in zip(shown, parts, strict=True)]


def _network(one: Verdict) -> tuple[tuple[Scope, str, bool], int]:
    return one.training.block, len(one.number.by_repeat)


def _of_training_alone(shown: Sequence[Verdict], parts: Sequence[Variances]) -> Mapping[object, float]:
    """Mean variance over repeats of the rows of a network in which nothing else changes."""
    alike: dict[object, list[float]] = {}
    for one, own in zip(shown, parts, strict=True):
        if one.sources == (SEGMENTER,):
            alike.setdefault(_network(one), []).append(own.repeat)
    return {network: float(np.mean(values)) for network, values in alike.items()}


def _of_one(one: Verdict, own: Variances, of_training: float | None) -> Iterator[Component]:
    def part(name: str, variance: float, by_repeats: bool, by_images: bool) -> Component:
        return Component(verdict=one, name=name, variance=variance, by_repeats=by_repeats, by_images=by_images)

    if len(one.number.by_repeat) > 1:
        for name, variance in _by_source(one.sources, own.repeat, of_training).items():
            yield part(name, variance, True, False)
    yield part(IMAGES, own.image, False, True)
    if len(one.number.by_repeat) > 1:
        yield part(BOTH, own.both, True, True)


def _by_source(sources: Sequence[str], variance: float, of_training: float | None) -> dict[str, float]:
    """What repeats vary by, under the names of what can be told apart."""
    made = [one for one in sources if one != SEGMENTER]
    if not made or SEGMENTER not in sources or of_training is None:
        return {joined(sources): variance} if sources else {}
    training = min(variance, of_training)
    return {joined(made): variance - training, WORDS[SEGMENTER]: training}


def joined(sources: Sequence[str]) -> str:
    """Sources that one number speaks of together."""
    return " + ".join(WORDS[one] for one in SOURCES if one in sources)


def told_apart(found: Sequence[Sequence[Component]]) -> list[str]:
    """What this design cannot tell apart, and what could: sentences."""
    said = []
    for parts in found:
        one, names = parts[0].verdict, [part.name for part in parts]
        if len(one.number.by_repeat) < 2:
            said.append(
                f"1 repeat: what repeats vary by is in no component, and {IMAGES} hold {BOTH} too; --repeats 3 tells it"
            )
        elif {GENERATOR, SAMPLE} <= set(one.sources):
            said.append(
                f"{joined((GENERATOR, SAMPLE))}: one component, as both change in every repeat; the same run with "
                "--vary sample segmenter has the sampling alone"
            )
        if SEGMENTER in one.sources and len(one.sources) > 1 and joined(one.sources) in names:
            said.append(
                f"{joined(one.sources)}: not told apart, as no row has segmentation training alone to compare with; "
                f"{TRAINING_AGAIN} adds one, and --vary segmenter has it alone"
            )
    return list(dict.fromkeys(said))
