"""A run: set up, computed, reported."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from bench.engine.actions import try_files
from bench.engine.device import check_device, resolve_device
from bench.engine.distributed import alone_by_mistake, launched
from bench.engine.runner import Failure, Runner
from bench.images import pixel_limit
from bench.plan.manifest import describe_run
from bench.report.report import Report, make_report
from bench.report.write import write_tables
from bench.store.artefacts import Store
from bench.store.leftovers import clean_up
from bench.store.run_manifest import save_manifest
from bench.workflows.display import TERMINAL, Display
from bench.workflows.places import refuse_folder, storage_told
from bench.workflows.processes import first_alone, help_first, machine_for
from bench.workflows.request import RunRequest
from bench.workflows.setup import set_up


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What came of a run. `report`: the leaderboard, None where nothing has a score yet; `files`: its tables on disk.

    `failures`: stages that did not finish, of `stages`; the others' results are kept and the same request resumes.
    `seconds` the run took. Printing shows the table.
    """

    name: str
    report: Report | None
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    failures: tuple[Failure, ...]
    stages: int
    seconds: float

    def __str__(self) -> str:
        return self.report.text() if self.report else ""


def run(request: RunRequest, display: Display = TERMINAL) -> RunResult | None:
    """Do every stage that is not in the store, and write the tables.

    Raises BenchError for a request that cannot be met. None in every process but the first of several that a launcher
    started.
    """
    check_device(request.device)
    if request.out is not None:
        refuse_folder("--out", request.out)
    with storage_told(request.results), pixel_limit(request.pixel_limit):
        return _run(request, Store(request.results / "store"), display)


def _run(request: RunRequest, store: Store, display: Display) -> RunResult | None:
    started = time.monotonic()
    team = launched(resolve_device(request.device))
    machine = machine_for(request, team)
    if team is not None and team.rank:
        help_first(request, store, team)
        return None
    if team is None and alone_by_mistake():
        display.say(f"note: {alone_by_mistake()}")
    clean_up(request.results)
    with first_alone(team):
        setup = set_up(request, store, display)
        try_files(setup.plan.stages, store)
    options = setup.profile.run
    manifest = describe_run(
        setup.spec,
        setup.plan,
        notes=setup.notes,
        columns=options.columns,
        settings=setup.settings,
        controls=options.controls,
    )
    log = request.results / "logs" / f"{manifest.run}.log"
    runner = Runner(store=store, splits=setup.splits, machine=machine, say=display.say, log=log)
    failures = runner.run(setup.plan.stages)
    if team is not None:
        team.tell(None)
        team.part()
    save_manifest(request.results / "runs", manifest)
    causes = [failure for failure in failures if not failure.blocked]
    notes = (*manifest.notes, *(f"not finished: {failure.stage.label}" for failure in causes))
    report = make_report([replace(manifest, notes=notes)], store, {failure.stage.key for failure in causes})
    out = request.out or request.results / "tables" / manifest.run
    return RunResult(
        name=manifest.run,
        report=report,
        files=tuple(write_tables(out, report)) if report else (),
        notes=notes,
        failures=tuple(failures),
        stages=len(setup.plan.stages),
        seconds=time.monotonic() - started,
    )
