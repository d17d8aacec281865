"""Pairs that stand several times in a set, each time under an id of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.contracts import Split
from bench.errors import BenchError

COPY = "copy"


def refuse_taken_names(conditions: Split, multiple: int) -> None:
    """BenchError where a second sample of a mask would bear the name of another pair, and take its place."""
    names = {sample.id for sample in conditions}
    taken = sorted(sample.id for sample in repeat(conditions, multiple)[len(conditions) :] if sample.id in names)
    if taken:
        raise BenchError(
            f"--multiple {multiple}: a second sample would be called {taken[0]}, as a pair of the training set is; "
            "rename that pair"
        )


def repeat(conditions: Split, multiple: int, mark: str = COPY) -> Split:
    """Each condition `multiple` times: the copies have ids of their own, and so noise of their own.

    `mark`: what makes a copy's id of its original's.
    """
    copies = [
        replace(sample, id=f"{sample.id}-{mark}{number}", source=sample.id)
        for number in range(2, multiple + 1)
        for sample in conditions
    ]
    return (*conditions, *copies)


def repeat_to(samples: Split, count: int, seed: int, mark: str = COPY) -> Split:
    """`count` pairs, no fewer than there are: all equally often, and some, drawn by the seed, once more."""
    whole, rest = divmod(count, len(samples))
    once_more = repeat(samples, whole + 1, mark)[-len(samples) :]
    drawn = np.random.default_rng([seed, count]).permutation(len(samples))[:rest]
    return (*repeat(samples, whole, mark), *(once_more[at] for at in sorted(drawn)))
