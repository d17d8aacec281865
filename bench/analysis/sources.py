"""Which sources of randomness an interval contains, in words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bench.contracts import GENERATOR, SAMPLE, SEGMENTER, SOURCES

WORDS = {GENERATOR: "generator training", SAMPLE: "sampling", SEGMENTER: "segmentation training"}


def of_row(varied: Collection[str]) -> str:
    """Of a row's score on test images: what varies from repeat to repeat is in it, and nothing else."""
    return _contained("test images", varied, SOURCES)


def of_set(varied: Collection[str]) -> str:
    """Of a measure of synthetic sets, which no network is trained for."""
    return _contained("images", varied, (GENERATOR, SAMPLE))


def of_worth(varied: Collection[str]) -> str:
    """Of what a row is worth: the shares of its learning curve are drawn once, by the base seed."""
    return _contained("test images", varied, SOURCES, ["which real pairs a share holds"])


def _contained(images: str, varied: Collection[str], sources: Sequence[str], fixed: Sequence[str] = ()) -> str:
    there = [images, *(WORDS[one] for one in sources if one in varied)]
    absent = [f"NOT {one}" for one in (*(WORDS[one] for one in sources if one not in varied), *fixed)]
    return "; ".join(part for part in (", ".join(there), ", ".join(absent)) if part)
