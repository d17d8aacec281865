"""The job of `python -m bench run`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench.plan.run_plan import Plan, RunSpec
from bench.store.run_manifest import SCHEMA, Setting, run_name


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
    return {**body, "run": run_name(body)}
