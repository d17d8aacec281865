"""What a metric gave, checked before any of it is kept: a wrong score in the store would fail every table it is in."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from bench.contracts import Floor, LeftOut, Match, Score
from bench.errors import BenchError

SIDES = ("real", "fake", "both")


def check_scores(metric: str, announced: Collection[str], found: Any) -> None:
    """BenchError that names the metric, the measure and what is wrong. `announced`: names of the metric's measures.

    Measures may be left out: some need pairs, or more images than a set has. That a value lies within its interval is
    not asked: rounding alone may put it outside, and an interval that is corrected for bias need not hold it.
    """
    if not isinstance(found, Mapping):
        raise BenchError(
            f"metric {metric} gave what is {_kind(found)}, not a dict of Score by measure; mend its score()"
        )
    for column, score in found.items():
        if column not in announced:
            raise BenchError(f"metric {metric} gave {column}, its measures are {', '.join(announced)}; mend it")
        wrong = next(_faults(score), None)
        if wrong is not None:
            raise BenchError(f"metric {metric}: {column}: {wrong}; mend the metric")


def _faults(score: Any) -> Iterator[str]:
    """What is wrong, the first thing first: later checks rely on earlier ones."""
    if not isinstance(score, Score):
        yield f"what is given is {_kind(score)}, not a Score"
        return
    bounds = {name: bound for name, bound in (("low", score.low), ("high", score.high)) if bound is not None}
    yield from _unless_finite(value=score.value, **bounds)
    yield from _unless_counts(n_real=score.n_real, n_fake=score.n_fake)
    if len(bounds) == 1:
        yield f"{next(iter(bounds))} is given alone; an interval has low and high"
    if len(bounds) == 2 and bounds["low"] > bounds["high"]:
        yield f"low {bounds['low']:g} is above high {bounds['high']:g}"
    for name, text in (("note", score.note), ("estimator", score.estimator)):
        if not isinstance(text, str):
            yield f"{name} is {_kind(text)}, not a text"
    if score.floor is not None:
        yield from _of_floor(score.floor)
    yield from _of_images(score)
    yield from _of_parts(score.left_out)
    yield from _of_matches(score.matches)


def _of_floor(floor: Any) -> Iterator[str]:
    if not isinstance(floor, Floor):
        yield f"floor is {_kind(floor)}, not a Floor"
        return
    yield from _unless_finite(floor=floor.value, floor_sd=floor.sd, floor_at_n=floor.at_n)
    yield from _unless_counts(floor_n=floor.n, floor_splits=floor.splits)


def _of_images(score: Score) -> Iterator[str]:
    if not _holds(score.ids, str):
        yield "ids is not a tuple of texts"
    elif score.per_image is not None and _length(score.per_image) != len(score.ids):
        yield f"per_image is not a row of {len(score.ids)} numbers, one for each of ids"


def _of_parts(parts: Any) -> Iterator[str]:
    if not _holds(parts, LeftOut):
        yield "left_out is not a tuple of LeftOut"
        return
    for part in parts:
        if part.side not in SIDES:
            yield f"left_out has a side {part.side}, sides are {', '.join(SIDES)}"
        if _length(part.values) is None or _length(part.values) != _length(part.sizes):
            yield f"left_out of {part.side}: values and sizes are not two rows of as many numbers"


def _of_matches(matches: Any) -> Iterator[str]:
    if not _holds(matches, Match):
        yield "matches is not a tuple of Match"
        return
    for match in matches:
        yield from _unless_counts(match_fake=match.fake, match_real=match.real, match_view=match.view)
        yield from _unless_finite(match_distance=match.distance)


def _unless_finite(**numbers: Any) -> Iterator[str]:
    """Of Python or of numpy; a truth value is none, though Python counts with it."""
    for name, number in numbers.items():
        # NumPy's float64 is a float.
        if isinstance(number, bool) or not isinstance(number, int | float | np.integer | np.float32 | np.float16):
            yield f"{name} is {_kind(number)}, not an int or a float"
            continue
        plain = number.item() if isinstance(number, np.generic) else number
        if not -sys.float_info.max <= plain <= sys.float_info.max:
            yield f"{name} is not a finite number"


def _unless_counts(**numbers: Any) -> Iterator[str]:
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | np.integer):
            yield f"{name} is {_kind(number)}, not an int"
        elif number < 0:
            yield f"{name} is {number}, below 0"


def _holds(things: Any, kind: type) -> bool:
    return isinstance(things, tuple | list) and all(isinstance(one, kind) for one in things)


def _length(numbers: Any) -> int | None:
    """Of a row of numbers, None for anything else."""
    try:
        array = np.asarray(numbers)
    except (TypeError, ValueError):
        return None
    return len(array) if array.ndim == 1 and array.dtype.kind in "iuf" else None


def _kind(thing: Any) -> str:
    return "None" if thing is None else f"of type {type(thing).__name__}"
