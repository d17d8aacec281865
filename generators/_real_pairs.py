"""The real pairs behind conditions, whatever became of the conditions' masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.contracts import Sample, Split
from bench.errors import BenchError
from bench.images import load_mask, load_rgb, save_png
from generators._write_pairs import Pair


def keep_masks(train: Split, model_dir: Path) -> None:
    """Conditions may be transformed masks, which do not belong to the images: the real ones are kept here."""
    for pair in train:
        save_png(model_dir / f"{pair.id}.png", load_mask(pair.mask) * 255)


def real_name(condition: Sample) -> str:
    """Id of the real pair that the condition is, or repeats."""
    return condition.source or condition.id


def kept_mask(condition: Sample, model_dir: Path) -> np.ndarray:
    """The real mask (h, w) in {0, 1} of the condition's real pair."""
    return load_mask(model_dir / f"{real_name(condition)}.png")


def real_pair(condition: Sample, model_dir: Path) -> Pair:
    """The condition's real image with its own mask."""
    return load_rgb(condition.image), kept_mask(condition, model_dir)


def distinct(conditions: Split) -> dict[str, Sample]:
    """The first condition of each real pair, by the pair's id, sorted."""
    first: dict[str, Sample] = {}
    for condition in conditions:
        first.setdefault(real_name(condition), condition)
    return dict(sorted(first.items()))


def partners(conditions: Split, seed: int) -> dict[str, Sample]:
    """By each condition's id, another real pair: the next of all real pairs, in a circle that the seed draws.

    Of several conditions of one real pair the second gets the next but one, and so on. BenchError for one pair alone.
    """
    pairs = distinct(conditions)
    if len(pairs) < 2:
        raise BenchError(f"{len(pairs)} real pair: another one is needed beside it; add pairs")
    circle = np.random.default_rng(seed).permutation(list(pairs)).tolist()
    place, steps, found = {name: at for at, name in enumerate(circle)}, dict.fromkeys(circle, 0), {}
    for condition in conditions:
        name = real_name(condition)
        step = 1 + steps[name] % (len(circle) - 1)
        steps[name] += 1
        found[condition.id] = pairs[circle[(place[name] + step) % len(circle)]]
    return found
