"""A metric's scores as files: `scores.json` for numbers and words, `arrays.npz` for what differences are taken from.

msgspec reads them, and is imported only then: what writes scores needs it not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.contracts import Floor, LeftOut, Match, Measure, Score
from bench.errors import BenchError

SCORES = "scores.json"
ARRAYS = "arrays.npz"
SCHEMA = 2
"""Of `scores.json`: raised when it holds other fields."""
ALL = ""
"""The stratum of a score over whole sets."""


@dataclass(frozen=True)
class Scored:
    """A measure's score over whole sets (`stratum` empty) or within a third of lesion sizes.

    `groups`: of each of the score's `ids`; images of one group are not independent.
    """

    measure: Measure
    score: Score
    stratum: str = ALL
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What all scores of a file rest on: the network that looked, its weights, how it resized images, the reference."""

    backbone: str = ""
    weights: str = ""
    resize: str = ""
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """A score as `scores.json` holds it; what is an array stands beside it under the entry's number."""

    measure: Measure
    stratum: str
    value: float
    n_real: int
    n_fake: int
    low: float | None
    high: float | None
    note: str
    estimator: str
    floor: Floor | None
    left_out: tuple[str, ...]
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    matches: tuple[Match, ...]


@dataclass(frozen=True, kw_only=True)
class _File:
    schema: int
    about: Basis
    scores: tuple[_Entry, ...]


def save_scores(folder: Path, scored: Iterable[Scored], about: Mapping[str, str]) -> None:
    """`about`: the fields of `Basis`. Raises ValueError for a number that is not finite."""
    entries: list[_Entry] = []
    arrays: dict[str, Any] = {}
    for number, one in enumerate(scored):
        entries.append(_entry(one))
        for part in one.score.left_out:
            arrays[f"{number}-{part.side}-values"], arrays[f"{number}-{part.side}-sizes"] = part.values, part.sizes
        if one.score.per_image is not None:
            arrays[f"{number}-per-image"] = one.score.per_image
    file = _File(schema=SCHEMA, about=Basis(**about), scores=tuple(entries))
    text = json.dumps(asdict(file), indent=1, allow_nan=False, default=_number)
    (folder / SCORES).write_text(text, encoding="utf-8")
    np.savez(folder / ARRAYS, **arrays)


def _entry(one: Scored) -> _Entry:
    score = one.score
    return _Entry(
        measure=one.measure,
        stratum=one.stratum,
        value=score.value,
        n_real=score.n_real,
        n_fake=score.n_fake,
        low=score.low,
        high=score.high,
        note=score.note,
        estimator=score.estimator,
        floor=score.floor,
        left_out=tuple(part.side for part in score.left_out),
        ids=score.ids,
        groups=one.groups,
        matches=score.matches,
    )


def _number(value: np.generic) -> Any:
    """A number of numpy's, which a metric may well leave in its score."""
    return value.item()


def load_scores(folder: Path) -> tuple[Basis, list[Scored]]:
    """What `save_scores` wrote: what they rest on, and each score. BenchError for another version's files."""
    import msgspec

    data = json.loads((folder / SCORES).read_text(encoding="utf-8"))
    if data.get("schema") != SCHEMA:
        raise BenchError(f"{folder}: scores of another version of the suite; delete it and run again")
    try:
        file = msgspec.convert(data, _File)
    except msgspec.ValidationError as error:
        raise BenchError(f"{folder}: not the scores of a metric ({error}); delete it and run again") from None
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        return file.about, [_scored(number, entry, arrays) for number, entry in enumerate(file.scores)]


def _scored(number: int, entry: _Entry, arrays: Mapping[str, np.ndarray]) -> Scored:
    parts = tuple(
        LeftOut(side, arrays[f"{number}-{side}-values"], arrays[f"{number}-{side}-sizes"]) for side in entry.left_out
    )
    score = Score(
        value=entry.value,
        n_real=entry.n_real,
        n_fake=entry.n_fake,
        low=entry.low,
        high=entry.high,
        note=entry.note,
        estimator=entry.estimator,
        floor=entry.floor,
        left_out=parts,
        per_image=arrays.get(f"{number}-per-image"),
        ids=entry.ids,
        matches=entry.matches,
    )
    return Scored(entry.measure, score, entry.stratum, entry.groups)
