"""Trainings that came to nothing: conventions that stretch each map, and means over trainings, hide them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from bench.analysis.significance import Trained

LEAST = 0.01
"""Share of the lesion's pixels, or of the background's, below which a network is said to find next to none of them."""
BLIND, FLOODED = "finds next to nothing", "marks nearly every pixel"


def collapsed(lines: Sequence[Trained]) -> list[str]:
    """A sentence for each line with such a training; its settings stand in it where its name alone is not enough."""
    distinct = {line.about.line: line for line in lines}.values()
    names = Counter(_name(line) for line in distinct)
    several = {name for name, count in names.items() if count > 1}
    return [
        f"{_name(line)}{_settings(line) if _name(line) in several else ''}: {found}; mdice@256 stretches each map and "
        "hides it"
        for line in distinct
        if (found := _found(line))
    ]


def _settings(line: Trained) -> str:
    return f" ({line.about.settings})" if line.about.settings else ""


def _name(line: Trained) -> str:
    return f"{line.about.segmenter}, {line.about.row}"


def _found(line: Trained) -> str:
    by_seed = zip(*(one.seeds for one in line.tests.values()), strict=True)
    states = Counter(state for columns in by_seed if (state := _state(columns)))
    return " and ".join(f"{count} of {line.about.seeds} trainings {state}" for state, count in states.items())


def _state(columns: Sequence[Mapping[str, np.ndarray]]) -> str:
    """Of one training, over the pixels of all test sets at probability 0.5."""
    tp, fp, fn, tn = (sum(one[name].sum() for one in columns) for name in ("tp", "fp", "fn", "tn"))
    if tp < LEAST * (tp + fn):
        return BLIND
    return FLOODED if tn < LEAST * (tn + fp) else ""
