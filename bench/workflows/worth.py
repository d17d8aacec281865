"""What synthetic sets are worth in real pairs: planned, computed, read on the learning curve, reported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bench.engine.runner import Failure
from bench.progress.display import Display
from bench.report.worth import WorthReport, worth_report, write_worth
from bench.store.artefacts import Store
from bench.store.worth_manifest import CurvePoint, WorthManifest, save_worth
from bench.workflows.known_worths import MANIFESTS
from bench.workflows.places import log_of
from bench.workflows.request import WorthRequest
from bench.workflows.run import Computed, computed, opened


@dataclass(frozen=True, kw_only=True)
class WorthResult:
    """`report`: what each set is worth, None where nothing has a score yet; `files`: its tables and pictures on disk.

    `failures`: stages that did not finish; the others' results are kept and the same request resumes. Printing shows
    the table.
    """

    name: str
    report: WorthReport | None
    files: tuple[Path, ...]
    log: Path
    failures: tuple[Failure, ...]

    def __str__(self) -> str:
        return self.report.text() if self.report else ""


def worth(request: WorthRequest, display: Display | None = None) -> WorthResult | None:
    """Do every stage that is not in the store, and write the tables.

    Raises BenchError for a request that cannot be met. None in every process but the first of several that a launcher
    started.
    """
    with opened(request, display) as (store, shown):
        done = computed(request, store, shown)
        return None if done is None else _reported(request, store, done)


def _reported(request: WorthRequest, store: Store, done: Computed) -> WorthResult:
    """The tables of what is finished; what is not stands in their notes."""
    curve = tuple(
        CurvePoint(trained_on=one.name, percent=one.percent, pairs=len(one.pairs)) for one in done.setup.spec.curve
    )
    manifest = WorthManifest(run=done.manifest, curve=curve, sets=done.setup.plan.sets)
    save_worth(request.results / MANIFESTS, manifest)
    report = worth_report(replace(manifest, run=done.told), store, done.failed)
    out = request.out or request.results / "tables" / manifest.name
    return WorthResult(
        name=manifest.name,
        report=report,
        files=tuple(write_worth(out, report)) if report else (),
        log=log_of(request.results, manifest.name),
        failures=done.failures,
    )
