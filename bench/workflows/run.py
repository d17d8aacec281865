"""A run: set up, computed, reported."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contracts import TRAIN
from bench.engine.actions import try_device_and_files
from bench.engine.device import refuse_unknown_device, resolve_device
from bench.engine.distributed import LaunchedGroup, alone_by_mistake, launched
from bench.engine.runner import Failure, Resources, Runner
from bench.images import pixel_limit
from bench.plan.manifest import describe_run
from bench.progress.display import Display
from bench.report.report import Report, make_report
from bench.report.write import write_tables
from bench.store.artefacts import Store
from bench.store.leftovers import clean_up
from bench.store.run_manifest import Note, RunManifest, save_manifest
from bench.workflows.costs import Costs, sizes_of
from bench.workflows.known_worths import known_worths
from bench.workflows.places import log_of, refuse_folder, refuse_results, storage_errors_reported
from bench.workflows.processes import first_alone, help_first, resources_for
from bench.workflows.request import RunRequest
from bench.workflows.setup import Setup, set_up


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What came of a run. `report`: the leaderboard, None where nothing has a score yet; `files`: its tables on disk.

    `failures`: stages that did not finish; the others' results are kept and the same request resumes. Printing shows
    the table.
    """

    name: str
    report: Report | None
    files: tuple[Path, ...]
    log: Path
    notes: tuple[str, ...]
    failures: tuple[Failure, ...]

    def __str__(self) -> str:
        return self.report.text() if self.report else ""


@dataclass(frozen=True, kw_only=True)
class Computed:
    """What a request was planned as, the manifest of that, and the stages that did not finish."""

    setup: Setup
    manifest: RunManifest
    failures: tuple[Failure, ...]

    @property
    def causes(self) -> tuple[Failure, ...]:
        """Of the failures those that wait for no other."""
        return tuple(failure for failure in self.failures if not failure.blocked)

    @property
    def failed(self) -> set[str]:
        """Keys of the causes."""
        return {failure.stage.key for failure in self.causes}

    @property
    def told(self) -> RunManifest:
        """The manifest with what is not finished among its notes."""
        notes = (Note(f"not finished: {one.stage.label}", True) for one in self.causes)
        return replace(self.manifest, notes=(*notes, *self.manifest.notes))


def run(request: RunRequest, display: Display | None = None) -> RunResult | None:
    """Do every stage that is not in the store, and write the tables.

    Raises BenchError for a request that cannot be met. None in every process but the first of several that a launcher
    started.
    """
    with opened(request, display) as (store, shown):
        done = computed(request, store, shown)
        if done is None:
            return None
        save_manifest(request.results / "runs", done.manifest)
        return _reported(request, store, done)


@contextmanager
def opened(request: RunRequest, display: Display | None) -> Iterator[tuple[Store, Display]]:
    """The store and the display of a request. BenchError for a place or a device that cannot be."""
    refuse_unknown_device(request.device)
    refuse_results(request.results)
    if request.out is not None:
        refuse_folder("--out", request.out)
    with storage_errors_reported(request.results), pixel_limit(request.pixel_limit), display or Display() as shown:
        yield Store(request.results / "store"), shown


def computed(request: RunRequest, store: Store, display: Display) -> Computed | None:
    """Every stage of the request that can be finished; None in the processes that only help."""
    started = time.monotonic()
    processes = launched(request.device)
    resources = resources_for(request, processes)
    if processes is not None and processes.rank:
        help_first(request, store, processes)
        return None
    if processes is None and alone_by_mistake():
        display.tell(f"note: {alone_by_mistake()}")
    setup = _prepare(request, store, display, processes)
    manifest = describe_run(
        setup.spec,
        setup.plan,
        notes=setup.notes,
        columns=setup.profile.run.columns,
        settings=setup.settings,
        controls=setup.profile.run.controls,
    )
    display.open_log(log_of(request.results, manifest.run))
    failures = _compute(setup, store, resources, display)
    display.note(f"the run took {time.monotonic() - started:.1f} s")
    return Computed(setup=setup, manifest=manifest, failures=tuple(failures))


def _prepare(request: RunRequest, store: Store, display: Display, processes: LaunchedGroup | None) -> Setup:
    """BenchError for all that would end the run before its first result."""
    clean_up(request.results)
    with first_alone(processes):
        setup = set_up(request, store, display)
        try_device_and_files(setup.plan.stages, store, request.device)
    return setup


def _compute(setup: Setup, store: Store, resources: Resources, display: Display) -> list[Failure]:
    """Every stage that can be finished."""
    stages = setup.plan.stages
    for line in _plan_lines(setup, store):
        display.tell(line)
    costs = Costs(setup.plan, sizes_of(setup.spec), display.tell)
    runner = Runner(store=store, splits=setup.splits, resources=resources, display=display)
    failures = runner.run(stages, lambda stage: costs.seconds(stage, resolve_device(resources.device)))
    display.note(f"{len(stages) - len(failures)} of {len(stages)} stages are finished")
    if resources.processes is not None:
        resources.processes.broadcast(None)
        resources.processes.close()
    return failures


def _reported(request: RunRequest, store: Store, done: Computed) -> RunResult:
    """The tables of what is finished; what is not stands in their notes."""
    worths, name = known_worths(request.results, done.manifest), done.manifest.run
    report = make_report([done.told], store, done.failed, worths)
    out = request.out or request.results / "tables" / name
    return RunResult(
        name=name,
        report=report,
        files=tuple(write_tables(out, report)) if report else (),
        log=log_of(request.results, name),
        notes=tuple(note.text for note in done.told.notes),
        failures=done.failures,
    )


def _plan_lines(setup: Setup, store: Store) -> Iterator[str]:
    """What will be done, in a few lines."""
    spec, stages = setup.spec, setup.plan.stages
    tests = sum(len(spec.data.splits[test]) for test in spec.data.tests)
    yield (
        f"{spec.data.name}: {len(spec.data.splits[TRAIN])} training pairs, {tests} test images in "
        f"{len(spec.data.tests)} set(s); generators: {', '.join(one.name for one in spec.generators)}"
    )
    trained_on = dict.fromkeys(row.trained_on for row in setup.plan.rows)
    yield f"{', '.join(one.name for one in spec.segmenters)} trained on: {'; '.join(trained_on)}"
    there = sum(store.has(stage.action, stage.key) for stage in stages)
    yield f"{len(stages)} stages, {there} of them done before"
