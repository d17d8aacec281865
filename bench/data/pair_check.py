"""Opens every pair of a real set before anything is computed, by one rule for every dataset."""

from __future__ import annotations

from collections.abc import Sequence

from bench.contracts import Sample, Split
from bench.errors import BenchError
from bench.images import load_mask, load_rgb, refuse_unlike
from bench.masks import Label

CHECKS = 2
"""Raised when a file that was accepted is refused, or the other way round."""


def check_pairs(samples: Split, allow_empty: bool, labels: Sequence[Label] = (), dataset: str = "NAME") -> int:
    """Decode every pair; returns how many masks have a lesion.

    BenchError names the first unreadable file, pair of unequal size or orientation, file that is no mask (see
    `bench.masks`) and, unless they are allowed, mask without lesion. `dataset`: whose parameter allows them.
    """
    lesions = 0
    for sample in samples:
        refuse_unlike(sample.image, sample.mask)
        load_rgb(sample.image)
        lesion = bool(load_mask(sample.mask, labels=labels).any())
        if not lesion and not allow_empty:
            raise BenchError(_no_lesion(sample, labels, dataset))
        lesions += lesion
    return lesions


def refuse_no_lesion_at_all(lesions: int, samples: Split, remedy: str) -> None:
    """BenchError where none of the masks of a set has a lesion: `lesions` counts those that do."""
    if samples and not lesions:
        raise BenchError(f"{samples[0].mask.parent}: none of {len(samples)} masks has a lesion; {remedy}")


def _no_lesion(sample: Sample, labels: Sequence[Label], dataset: str) -> str:
    why = "none of the labels given with --mask-label is in it" if labels else "every pixel is black"
    return (
        f"{sample.mask}: no lesion: {why}; remove the pair, or keep images without lesion with "
        f"--set dataset.{dataset}.allow_empty_masks=true"
    )
