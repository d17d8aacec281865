"""Opens every pair of a real set before anything is computed, by one rule for every dataset."""

from __future__ import annotations

from collections.abc import Sequence

from bench.contracts import Sample, Split
from bench.errors import BenchError
from bench.images import load_mask, load_rgb, refuse_unlike
from bench.masks import Label

CHECKS = 2
"""Raised when a file that was accepted is refused, or the other way round."""


def check_pairs(samples: Split, allow_empty: bool, labels: Sequence[Label] = ()) -> None:
    """Decode every pair.

    BenchError names the first unreadable file, pair of unequal size or orientation, file that is no mask (see
    `bench.masks`) and, unless they are allowed, mask without lesion.
    """
    for sample in samples:
        refuse_unlike(sample.image, sample.mask)
        load_rgb(sample.image)
        if not load_mask(sample.mask, labels=labels).any() and not allow_empty:
            raise BenchError(_no_lesion(sample, labels))


def _no_lesion(sample: Sample, labels: Sequence[Label]) -> str:
    why = "none of the labels given with --mask-label is in it" if labels else "every pixel is black"
    return (
        f"{sample.mask}: no lesion: {why}; remove the pair, or keep images without lesion with "
        "--set dataset.NAME.allow_empty_masks=true"
    )
