"""What a run consisted of, written beside the store so that its leaderboard can be rendered again from records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files.atomic import write_atomic
from bench.identity import key

SCHEMA = 5


@dataclass(frozen=True)
class Setting:
    """Where a run departs from its profile. `kind` and `name` say which lines it concerns."""

    kind: str
    name: str
    text: str


def run_name(body: Mapping[str, Any]) -> str:
    """A run is named by all that stands in its manifest, so that the name tells a damaged one."""
    return key(body)[:16]


def save_manifest(folder: Path, manifest: dict[str, Any]) -> Path:
    path = folder / f"{manifest['run']}.json"
    write_atomic(path, json.dumps(manifest, indent=1))
    return path


def load_manifests(folder: Path) -> list[dict[str, Any]]:
    """All runs, oldest first. Raises BenchError for a file that is not a run of this schema."""
    paths = sorted(folder.glob("*.json"), key=lambda path: (path.stat().st_mtime, path.name))
    return [_load(path) for path in paths]


def _load(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{path}: not a run manifest ({error}); delete it and run again") from None
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise BenchError(f"{path}: made by another version of the suite; delete it and run again")
    if manifest.get("run") != run_name({name: value for name, value in manifest.items() if name != "run"}):
        raise BenchError(f"{path}: damaged, its content is not that of its name; delete it and run again")
    return manifest
