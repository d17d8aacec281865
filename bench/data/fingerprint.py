"""What a set of pairs is, by its bytes: the hash of a split, and images that stand twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path

from bench.contracts import TRAIN, Sample, Split
from bench.files.atomic import digest_of
from bench.identity import key
from bench.text import listed

Digest = Callable[[Path], str]
"""sha256 of a file's bytes."""


class Digests:
    """A `Digest` that reads each file once."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}

    def __call__(self, path: Path) -> str:
        """BenchError names a file that cannot be read."""
        if path not in self._known:
            self._known[path] = digest_of(path)
        return self._known[path]


def fingerprint(split: Split, digest: Digest | None = None) -> str:
    """Hash of (id, image bytes, mask bytes, prompt, group, source) of every pair; folder names play no part."""
    return key({"pairs": [_identity(sample, digest or digest_of) for sample in split]})


def _identity(sample: Sample, digest: Digest) -> list[str]:
    mask = digest(sample.mask) if sample.has_mask else ""
    source = [sample.source] if sample.source else []
    return [sample.id, digest(sample.image), mask, sample.prompt, sample.group, *source]


def repeated(splits: Mapping[str, Split], digest: Digest) -> list[str]:
    """A line for each two splits that share an image, byte for byte, and each split in which one stands twice."""
    of = {name: _first_of_each(split, digest) for name, split in splits.items()}
    lines = []
    for one, other in combinations(splits, 2):
        both = [f"{name} is {of[one][image]}" for image, name in of[other].items() if image in of[one]]
        if both:
            leak = one == TRAIN and other.startswith("test/")
            seen = ": scores on images that were trained on say nothing of new ones" if leak else ""
            lines.append(
                f"{len(both)} of {len(splits[other])} images of {other} are also in {one}, byte for byte "
                f"({listed(both)}){seen}"
            )
    for name, split in splits.items():
        again = [sample.id for sample in split if of[name][digest(sample.image)] != sample.id]
        if again:
            lines.append(
                f"{name}: {len(split)} images, {len(of[name])} distinct: the others are the same bytes again "
                f"({listed(again)}), which intervals and measures that count images take for independent ones"
            )
    return lines


def _first_of_each(split: Split, digest: Digest) -> dict[str, str]:
    """Ids by the image's bytes."""
    first: dict[str, str] = {}
    for sample in split:
        first.setdefault(digest(sample.image), sample.id)
    return first
