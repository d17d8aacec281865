"""A metric's scores as files: `scores.json` for numbers and words, `arrays.npz` for what differences are taken from."""

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

_PLAIN = ("value", "n_real", "n_fake", "low", "high", "note", "estimator")


@dataclass(frozen=True)
class Scored:
    """A measure's score over whole sets (`stratum` empty) or within a third of lesion sizes.

    `groups`: of each of the score's `ids`; images of one group are not independent.
    """

    measure: Measure
    score: Score
    stratum: str = ALL
    groups: tuple[str, ...] = ()


def save_scores(folder: Path, scored: Iterable[Scored], about: Mapping[str, Any]) -> None:
    """`about`: what all of them have in common (backbone, weights, resize, reference …).

    Raises ValueError for a number that is not finite.
    """
    entries: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    for number, one in enumerate(scored):
        score = one.score
        entries.append(
            {
                "measure": asdict(one.measure),
                "stratum": one.stratum,
                **{name: getattr(score, name) for name in _PLAIN},
                "floor": asdict(score.floor) if score.floor else None,
                "left_out": [part.side for part in score.left_out],
                "ids": list(score.ids),
                "groups": list(one.groups),
                "matches": [asdict(match) for match in score.matches],
            }
        )
        for part in score.left_out:
            arrays[f"{number}-{part.side}-values"], arrays[f"{number}-{part.side}-sizes"] = part.values, part.sizes
        if score.per_image is not None:
            arrays[f"{number}-per-image"] = score.per_image
    text = json.dumps(
        {"schema": SCHEMA, "about": dict(about), "scores": entries}, indent=1, allow_nan=False, default=_number
    )
    (folder / SCORES).write_text(text, encoding="utf-8")
    np.savez(folder / ARRAYS, **arrays)


def _number(value: np.generic) -> Any:
    """A number of numpy's, which a metric may well leave in its score."""
    return value.item()


def load_scores(folder: Path) -> tuple[dict[str, Any], list[Scored]]:
    """What `save_scores` wrote: what they have in common, and each score. BenchError for another version's files."""
    data = json.loads((folder / SCORES).read_text(encoding="utf-8"))
    if data.get("schema") != SCHEMA:
        raise BenchError(f"{folder}: scores of another version of the suite; delete it and run again")
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        return data["about"], [_scored(number, entry, arrays) for number, entry in enumerate(data["scores"])]


def _scored(number: int, entry: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Scored:
    parts = tuple(
        LeftOut(side, arrays[f"{number}-{side}-values"], arrays[f"{number}-{side}-sizes"]) for side in entry["left_out"]
    )
    score = Score(
        **{name: entry[name] for name in _PLAIN},
        floor=Floor(**entry["floor"]) if entry["floor"] else None,
        left_out=parts,
        per_image=arrays.get(f"{number}-per-image"),
        ids=tuple(entry["ids"]),
        matches=tuple(Match(**match) for match in entry["matches"]),
    )
    measure = Measure(**{**entry["measure"], "sees": tuple(entry["measure"]["sees"])})
    return Scored(measure, score, entry["stratum"], tuple(entry["groups"]))
