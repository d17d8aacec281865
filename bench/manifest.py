"""What a run consisted of, written beside the store so that its leaderboard can be rendered again from records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import write_atomic
from bench.graph import Plan, RunSpec
from bench.spec import key

SCHEMA = 5


@dataclass(frozen=True)
class Setting:
    """Where a run departs from its profile. `kind` and `name` say which lines it concerns."""

    kind: str
    name: str
    text: str


def describe_run(
    spec: RunSpec, plan: Plan, notes: tuple[str, ...], columns: tuple[str, ...], settings: Sequence[Setting] = (),
    controls: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """JSON of a run: dataset, protocol and, for each leaderboard line, the keys of its records.

    `controls`: generators whose lines the others are compared with, the first that was trained on before the next.
    """
    data = spec.data
    body = {
        "schema": SCHEMA,
        "dataset": {
            "asked": data.asked,
            "name": data.name,
            "fingerprint": data.fingerprint,
            "pairs": {split: len(samples) for split, samples in data.splits.items()},
            "absent": list(data.absent),
        },
        "profile": spec.profile,
        "seed": spec.seed,
        "seeds": spec.seeds,
        "masks": spec.masks,
        "reference": spec.reference,
        "fraction": spec.fraction,
        "select": spec.select,
        "bases": {generator.name: generator.plugin.base() for generator in spec.generators},
        "generators": {generator.name: generator.identity for generator in spec.generators},
        "segmenters": {segmenter.name: segmenter.identity for segmenter in spec.segmenters},
        "columns": list(columns),
        "controls": list(controls),
        "lines": [asdict(line) for line in plan.lines],
        "comparisons": [asdict(comparison) for comparison in plan.comparisons],
        "settings": [asdict(setting) for setting in settings],
        "notes": list(notes),
    }
    return {**body, "run": _name(body)}


def _name(body: Mapping[str, Any]) -> str:
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
    if manifest.get("run") != _name({name: value for name, value in manifest.items() if name != "run"}):
        raise BenchError(f"{path}: damaged, its content is not that of its name; delete it and run again")
    return manifest
