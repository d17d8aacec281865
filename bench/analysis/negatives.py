"""Test masks without a lesion: the published headline counts a correct empty prediction as wrong. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.significance import Trained

PUBLISHED, FAIR = "mdice@256", "dice@0.5"
"""The convention that scores an empty mask 0 whatever is predicted, and the one that gives an empty prediction 1."""


def empty_masks(lines: Sequence[Trained]) -> tuple[int, int]:
    """How many test masks have no lesion, and of how many; each test set counts once, however many lines it tested."""
    sets = {(line.about.data, name): tested for line in lines for name, tested in line.tests.items()}
    counts = [tested.seeds[0] for tested in sets.values()]
    empty = sum(int((one["tp"] + one["fn"] == 0).sum()) for one in counts)
    return empty, sum(len(one["tp"]) for one in counts)


def with_fair(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """The run with the fair convention among its columns, beside the published one."""
    columns = [name for name in manifest["columns"] if name != FAIR]
    if PUBLISHED not in columns:
        return manifest
    columns.insert(columns.index(PUBLISHED) + 1, FAIR)
    return {**manifest, "columns": columns}


def sentence(empty: int, count: int) -> str:
    return (
        f"{empty} of {count} test masks have no lesion: for these {PUBLISHED} counts a correct empty prediction as 0, "
        f"{FAIR} as 1"
    )
