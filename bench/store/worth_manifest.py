"""What a worth consisted of, written beside the store so that its tables can be made again from records."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files.atomic import read_json, write_atomic
from bench.identity import key
from bench.store.run_manifest import SCHEMA as RUN_SCHEMA
from bench.store.run_manifest import RunManifest

SCHEMA = 1
"""Raised when a manifest holds other fields."""
ADDED = "added"


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """A share of the real training pairs, and how many that are; `trained_on`: the name of its rows."""

    trained_on: str
    percent: int
    pairs: int


@dataclass(frozen=True, kw_only=True)
class OnCurve:
    """A generator's set whose worth is asked; `trained_on`: the name of its rows.

    `kind`: `added` to the real pairs, or `only`. `real`, `synthetic`: how many pairs of either there are.
    """

    trained_on: str
    generator: str
    kind: str
    real: int
    synthetic: int


@dataclass(frozen=True, kw_only=True)
class WorthManifest:
    """`run`: its rows, those of the curve among them."""

    run: RunManifest
    curve: tuple[CurvePoint, ...]
    sets: tuple[OnCurve, ...]

    @property
    def name(self) -> str:
        """That of its run, in which every training stands."""
        return self.run.run


def _body(manifest: WorthManifest) -> dict[str, Any]:
    return {"schema": [SCHEMA, RUN_SCHEMA], **asdict(manifest)}


def save_worth(folder: Path, manifest: WorthManifest) -> Path:
    """Write `folder/<name>.json` in one step, with the hash of what stands in it; returns the file's path."""
    path, body = folder / f"{manifest.name}.json", _body(manifest)
    write_atomic(path, json.dumps({**body, "sha256": key(body)}, indent=1))
    return path


def load_worth(path: Path) -> WorthManifest:
    """BenchError for a file that is not a worth of this schema."""
    import msgspec

    remedy = "delete it and run the same command again"
    try:
        body = read_json(path)
    except (OSError, ValueError, RecursionError) as error:
        raise BenchError(f"{path}: not a worth's manifest ({error}); {remedy}") from None
    if not isinstance(body, dict) or body.get("schema") != [SCHEMA, RUN_SCHEMA]:
        raise BenchError(f"{path}: made by another version of the suite; {remedy}")
    if body.pop("sha256", None) != key(body):
        raise BenchError(f"{path}: damaged, its content is not that of its hash; {remedy}")
    try:
        return msgspec.convert(body, WorthManifest)
    except msgspec.ValidationError as error:
        raise BenchError(f"{path}: not a worth's manifest ({error}); {remedy}") from None
