"""Test masks without a lesion: the published headline counts a correct empty prediction as wrong. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.score_rows import ScoredRow

PUBLISHED, FAIR = "mdice@256", "dice@0.5"
"""The convention that scores an empty mask 0 whatever is predicted, and the one that gives an empty prediction 1."""


def empty_masks(rows: Sequence[ScoredRow]) -> tuple[int, int]:
    """How many test masks have no lesion, and of how many; each test set counts once, however many rows it tested."""
    sets = {(row.training.scope.data, name): tested for row in rows for name, tested in row.tests.items()}
    counts = [tested.repeats[0] for tested in sets.values()]
    empty = sum(int((one["tp"] + one["fn"] == 0).sum()) for one in counts)
    return empty, sum(len(one["tp"]) for one in counts)


def with_fair(columns: Sequence[str]) -> tuple[str, ...]:
    """The fair convention among a run's columns, beside the published one."""
    if PUBLISHED not in columns:
        return tuple(columns)
    others = [name for name in columns if name != FAIR]
    at = others.index(PUBLISHED) + 1
    return (*others[:at], FAIR, *others[at:])


def sentence(empty: int, count: int) -> str:
    """The note on masks without a lesion."""
    return (
        f"{empty} of {count} test masks have no lesion: for these {PUBLISHED} counts a correct empty prediction as 0, "
        f"{FAIR} as 1"
    )
