"""What a run consisted of, written beside the store so that its leaderboard can be rendered again from records.

msgspec reads it, and is imported only then: a run and every `--help` start without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files.atomic import read_json, write_atomic
from bench.identity import key

SCHEMA = 9
"""Raised when a manifest holds other fields."""
CONTROL = "(control)"
"""Behind the name of a generator that is unranked, wherever it is shown."""
_REMEDY = "delete it and run again"


@dataclass(frozen=True)
class Note:
    """A sentence on a run. `matters`: it changes how the numbers are read, and a terminal shows it."""

    text: str
    matters: bool = False


@dataclass(frozen=True)
class Setting:
    """Where a run departs from its profile. `kind` and `name` say which rows it concerns."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class UsedData:
    """The dataset that was used in place of the one `asked` for; `pairs` by split, `absent`: its missing test sets."""

    asked: str
    name: str
    fingerprint: str
    pairs: Mapping[str, int]
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What all rows of a run have in common. `select`: `test` where the epoch was chosen on the test images.

    `vary`: the sources of randomness that have a seed of their own in each of `repeats`. `margin`: the difference of
    scores that matters.
    """

    profile: str
    seed: int
    repeats: int
    vary: tuple[str, ...]
    margin: float
    masks: str
    reference: str
    fraction: int
    select: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the leaderboard: a segmenter and what it was `trained_on`; keys of its scores by test set and repeat.

    `kind`: `real`, `equal-updates`, `added` (real and the generator's) or `only` (the generator's alone).
    `synthetic` are the keys of the generator's different sets, empty where there is none; `pairs` how many pairs an
    epoch has; `models` are the keys of the trainings, one a repeat.
    """

    trained_on: str
    kind: str
    generator: str
    segmenter: str
    synthetic: tuple[str, ...]
    pairs: int
    models: tuple[str, ...]
    scores: Mapping[str, tuple[str, ...]]

    @property
    def key(self) -> str:
        """Of the row's scores: two runs that share them show one row."""
        return key(self.scores)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A generator's set against the reference under one metric, in the space of one extractor or segmenter.

    `synthetic`: key of the set, the generator's in `repeat` (from 0); `key`: of the score.
    """

    generator: str
    metric: str
    space: str
    synthetic: str
    repeat: int
    key: str


@dataclass(frozen=True, kw_only=True)
class RunManifest:
    """A run. `bases`: of each generator; `varies`: what is random in it; `generators`, `segmenters`: the identity of
    each.

    `columns`: scores that the leaderboard shows; `controls`: generators whose rows the others are compared with, the
    first that was trained on before the next; `unranked`: those that are shown, and compete with none;
    `filtered`: sets of which a rule has kept some pairs, each with its generator.
    """

    dataset: UsedData
    protocol: Protocol
    bases: Mapping[str, str]
    varies: Mapping[str, tuple[str, ...]]
    generators: Mapping[str, Mapping[str, Any]]
    segmenters: Mapping[str, Mapping[str, Any]]
    columns: tuple[str, ...]
    controls: tuple[str, ...]
    unranked: tuple[str, ...]
    filtered: Mapping[str, str]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    settings: tuple[Setting, ...]
    notes: tuple[Note, ...]

    @property
    def run(self) -> str:
        """A run is named by all that stands in its manifest, so that the name tells a damaged one."""
        return _name(_body(self))


def _body(manifest: RunManifest) -> dict[str, Any]:
    return {"schema": SCHEMA, **asdict(manifest)}


def _name(body: Mapping[str, Any]) -> str:
    return key(body)[:16]


def save_manifest(folder: Path, manifest: RunManifest) -> Path:
    """Write `folder/<run>.json` in one step; returns the file's path."""
    path, body = folder / f"{manifest.run}.json", _body(manifest)
    write_atomic(path, json.dumps({**body, "run": manifest.run}, indent=1))
    return path


def load_manifests(folder: Path) -> list[RunManifest]:
    """All runs, oldest first. Raises BenchError for a file that is not a run of this schema."""
    paths = sorted(folder.glob("*.json"), key=lambda path: (path.lstat().st_mtime, path.name))
    return [_load(path) for path in paths]


def _load(path: Path) -> RunManifest:
    import msgspec

    try:
        body = read_json(path)
    except (OSError, ValueError, RecursionError) as error:
        raise BenchError(f"{path}: not a run manifest ({error}); {_REMEDY}") from None
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise BenchError(f"{path}: made by another version of the suite; {_REMEDY}")
    if body.pop("run", None) != _name(body):
        raise BenchError(f"{path}: damaged, its content is not that of its name; {_REMEDY}")
    try:
        return msgspec.convert(body, RunManifest)
    except msgspec.ValidationError as error:
        raise BenchError(f"{path}: not a run manifest ({error}); {_REMEDY}") from None
