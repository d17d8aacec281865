"""Trainings that came to nothing: conventions that stretch each map, and means over trainings, hide them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from bench.analysis.score_rows import ScoredRow

LEAST = 0.01
"""Share of the lesion's pixels, or of the background's, below which a network is said to find next to none of them."""
BLIND, FLOODED = "finds next to nothing", "marks nearly every pixel"


def collapsed(rows: Sequence[ScoredRow]) -> list[str]:
    """A sentence for each row with such a training; its settings stand in it where its name alone is not enough."""
    distinct = {row.training.key: row for row in rows}.values()
    names = Counter(_name(row) for row in distinct)
    lines = []
    for row in distinct:
        by_repeat = list(zip(*(one.repeats for one in row.tests.values()), strict=True))
        # Of a training that repeats share, once.
        different = by_repeat[: row.training.repeats]
        states = Counter(state for columns in different if (state := _state(columns)))
        if states:
            settings = row.training.settings if names[_name(row)] > 1 else ""
            named = f"{_name(row)} ({settings})" if settings else _name(row)
            counts = (f"{count} of {row.training.repeats} trainings {state}" for state, count in states.items())
            lines.append(f"{named}: {' and '.join(counts)}; mdice@256 stretches each map and hides it")
    return lines


def folded(sentences: Sequence[str]) -> list[str]:
    """The first, and how many more there are: one kind of note does not push out the others."""
    if len(sentences) < 2:
        return list(sentences)
    return [f"{sentences[0]}; and {len(sentences) - 1} more row(s) alike, which the files name"]


def _name(row: ScoredRow) -> str:
    return f"{row.training.segmenter}, {row.training.trained_on}"


def _state(columns: Sequence[Mapping[str, np.ndarray]]) -> str:
    """Of one training, over the pixels of all test sets at probability 0.5."""
    tp, fp, fn, tn = (sum(one[name].sum() for one in columns) for name in ("tp", "fp", "fn", "tn"))
    if tp < LEAST * (tp + fn):
        return BLIND
    return FLOODED if tn < LEAST * (tn + fp) else ""
