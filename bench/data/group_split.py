"""Divides a set into parts of given shares without tearing a group (video sequence, patient) apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from bench.contracts import Split


def divide(samples: Split, shares: Mapping[str, int], seed: int) -> dict[str, str]:
    """Part by id: whole groups, in an order drawn by the seed, fill each part up to its share of the images.

    There must be at least as many groups as parts (`group_count`).
    """
    order = _drawn(samples, seed)
    # Each part gets one group first, so that none is empty however unequal the groups are.
    filled = {part: list(group) for part, group in zip(shares, order, strict=False)}
    for group in order[len(shares) :]:
        emptiest = min(shares, key=lambda part: len(filled[part]) / shares[part])
        filled[emptiest] += group
    return {name: part for part, names in filled.items() for name in names}


def share(samples: Split, percent: int, seed: int) -> Split:
    """About `percent` of the samples, in their own order: of the groups drawn the first, as many as come nearest.

    At least one; a larger share of the same seed holds every smaller one.
    """
    order = _drawn(samples, seed)
    counts = [sum(len(group) for group in order[: at + 1]) for at in range(len(order))]
    nearest = min(range(len(order)), key=lambda at: abs(100 * counts[at] - percent * len(samples)))
    kept = {name for group in order[: nearest + 1] for name in group}
    return tuple(sample for sample in samples if sample.id in kept)


def _drawn(samples: Split, seed: int) -> list[list[str]]:
    """Ids by group, in an order drawn by the seed."""
    groups: dict[str, list[str]] = {}
    for sample in samples:
        groups.setdefault(sample.group or f"\0{sample.id}", []).append(sample.id)
    order = sorted(groups, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    return [groups[group] for group in order]


def group_count(samples: Split) -> int:
    """Groups, an image without one counted as its own."""
    return len({sample.group or f"\0{sample.id}" for sample in samples})
