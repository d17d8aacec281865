"""How well a segmenter trained on real images finds, in synthetic ones, the lesion they were made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.contracts import Context, ImageSet, Measure, Metric, Sample, Score, Space
from bench.errors import BenchError
from bench.images import load_grey, load_mask
from bench.segscores import image_scores
from bench.stats.bootstrap import mean_interval

SCORE = "dice@0.5"
PERCENTILE = 5
SEEN = "the segmenter was trained on the real images of these masks, which favours copies, unless masks are random"
ELSEWHERE = "held-out images of another hospital can be harder than synthetic ones: a ceiling may lie below the value"


class Alignment(Metric):
    """Dice at 0.5 of each synthetic image's map with its conditioning mask, averaged over images; 1 is best.

    Beside it stand the same segmenter's mean on real held-out images (`ceiling`), the mean with the masks of other
    conditions (`floor`: what position and size alone give) and the 5th percentile over synthetic images (`p5`: means
    hide the images whose mask was ignored). Intervals: bootstrap over groups, images of one mask together.
    """

    version = 2
    of_images = True
    cite = "Dice, Ecology 1945"
    uses = "maps"
    stratified = True

    def measures(self, label: str) -> tuple[Measure, ...]:
        name = f"alignment-{label}"
        return (
            Measure(name, "higher"),
            Measure(f"{name} p5", "higher"),
            Measure(f"{name} ceiling", "", sees=()),
            Measure(f"{name} floor", "", sees=()),
        )

    def score(self, real: ImageSet, fake: ImageSet, space: Space, ctx: Context) -> Mapping[str, Score]:
        mean, low_end, ceiling, floor = (measure.name for measure in self.measures(space.label))
        ours, theirs = _maps(fake, mean, "synthetic"), _maps(real, mean, "real")
        sizes = len(theirs), len(ours)
        dice, held_out = _dice(ours, fake.samples), _dice(theirs, real.samples)
        within = f"{SCORE} over synthetic images"
        scores = {
            mean: replace(
                _mean(dice, fake, sizes, f"mean {within}", ctx.seed),
                note=SEEN,
                per_image=dice,
                ids=tuple(sample.id for sample in fake.samples),
            ),
            low_end: Score(
                value=float(np.percentile(dice, PERCENTILE)),
                n_real=sizes[0],
                n_fake=sizes[1],
                estimator=f"{PERCENTILE}th percentile of {within}",
            ),
            ceiling: replace(
                _mean(held_out, real, sizes, f"mean {SCORE} over real held-out images", ctx.seed), note=ELSEWHERE
            ),
        }
        others = others_masks(fake.samples, ctx.seed)
        if others:
            chance = _dice(ours, others)
            scores[floor] = _mean(chance, fake, sizes, f"mean {within}, each with another's mask", ctx.seed)
        return scores


def others_masks(samples: Sequence[Sample], seed: int) -> tuple[Sample, ...]:
    """For each sample one of another condition, each of them once; empty where one condition is more than half.

    Conditions stand in random order, the samples of one beside each other, and each takes the sample as many places on
    as the commonest condition has samples.
    """
    rng = np.random.default_rng(seed)
    place = {name: rank for rank, name in enumerate(rng.permutation(sorted({one.condition for one in samples})))}
    order = sorted(range(len(samples)), key=lambda row: (place[samples[row].condition], samples[row].id))
    most = max(np.unique([one.condition for one in samples], return_counts=True)[1])
    if 2 * most > len(samples):
        return ()
    other = dict(zip(order, np.roll(order, -most), strict=True))
    return tuple(samples[other[row]] for row in range(len(samples)))


def _maps(images: ImageSet, name: str, side: str) -> tuple[Path, ...]:
    if not images.maps:
        raise BenchError(f"{name}: no segmentation maps of the {side} set; run it with a segmenter (--segmenter NAME)")
    bare = next((sample for sample in images.samples if not sample.has_mask), None)
    if bare is not None:
        raise BenchError(f"{name}: {side} image {bare.id} has no mask; add one, or leave the metric out")
    return images.maps


def _dice(maps: Sequence[Path], samples: Sequence[Sample]) -> np.ndarray:
    """float64 (n,) of each map with its sample's mask, which is brought to the map's size."""
    found = []
    for path, sample in zip(maps, samples, strict=True):
        grey = load_grey(path)
        found.append(image_scores(grey, load_mask(sample.mask, grey.shape[::-1]))[SCORE])
    return np.array(found)


def _mean(dice: np.ndarray, images: ImageSet, sizes: tuple[int, int], what: str, seed: int) -> Score:
    groups = [sample.group or sample.condition for sample in images.samples]
    low, high = mean_interval(dice, groups, seed) or (None, None)
    return Score(
        value=float(dice.mean()),
        n_real=sizes[0],
        n_fake=sizes[1],
        low=low,
        high=high,
        estimator=f"{what}; bootstrap over groups",
    )
