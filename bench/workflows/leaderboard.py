"""The leaderboard of earlier runs, made again from their records."""

from __future__ import annotations

from pathlib import Path

from bench.errors import BenchError
from bench.report.report import Report, make_report
from bench.store.artefacts import Store
from bench.store.run_manifest import load_manifests


def leaderboard(results: Path, dataset: str | None = None, profile: str | None = None) -> Report:
    """Of all runs below `results`, or of those of one dataset and profile. BenchError where none has a score."""
    manifests = [
        manifest
        for manifest in load_manifests(results / "runs")
        if dataset in (None, manifest.dataset.name, manifest.dataset.asked)
        and profile in (None, manifest.protocol.profile)
    ]
    if not manifests:
        asked = "".join(f" --{name} {word}" for name, word in (("dataset", dataset), ("profile", profile)) if word)
        remedy = f" with{asked}; leave that out to see all" if asked else "; start one, see python -m bench run --help"
        raise BenchError(f"{results / 'runs'}: no run to show{remedy}")
    report = make_report(manifests, Store(results / "store"))
    if report is None:
        raise BenchError(f"{results}: the runs there have no finished scores; run the same command again")
    return report
