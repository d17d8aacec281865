"""Which sources of randomness an interval contains, in words. Pure."""

from __future__ import annotations

from collections.abc import Collection

from bench.contracts import GENERATOR, SAMPLE, SEGMENTER, SOURCES

WORDS = {GENERATOR: "generator training", SAMPLE: "sampling", SEGMENTER: "segmentation training"}
IMAGES = "test images"


def contained(varied: Collection[str]) -> str:
    """What varies from repeat to repeat, and what does not."""
    there = [IMAGES, *(WORDS[one] for one in SOURCES if one in varied)]
    absent = [f"NOT {WORDS[one]}" for one in SOURCES if one not in varied]
    return "; ".join(part for part in (", ".join(there), ", ".join(absent)) if part)
