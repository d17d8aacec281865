"""Walks the graph: reuse a stage, run it, or report its failure and go on with what does not need it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.contracts import Context, ProcessGroup, Progress, Split
from bench.engine.actions import perform
from bench.engine.device import resolve_device
from bench.engine.distributed import LaunchedGroup, call
from bench.engine.job import Caches, Job
from bench.engine.provenance import describe
from bench.errors import BenchError
from bench.files.atomic import storage_error
from bench.plan.stage import Ref, Stage
from bench.plugins.faults import located
from bench.progress import interrupt
from bench.progress.display import Display
from bench.progress.time_left import Expected, TimeLeft
from bench.store.artefacts import Store, Workspace


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a run may use; nothing here changes a result."""

    device: str = "auto"
    workers: int = 0
    download: bool = False
    cache: Path | None = None
    processes: LaunchedGroup | None = None


@dataclass(frozen=True)
class Failure:
    """A stage that did not finish. `ours` is False for what the user can mend; `blocked`: an input had failed."""

    stage: Stage
    message: str
    ours: bool
    blocked: bool = False


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs stages against a store. `display` shows how it gets on; its log receives tracebacks."""

    store: Store
    splits: Mapping[str, Split]
    resources: Resources
    display: Display
    caches: Caches = field(default_factory=Caches)

    def run(self, stages: Sequence[Stage], seconds: Callable[[Stage], float | None] = lambda _: None) -> list[Failure]:
        """Finish every stage that can be finished. A failed stage leaves nothing in the store.

        `seconds`: how long a stage may take; None: nothing estimates it.
        """
        self.display.plan(self._time_left(stages, seconds))
        failures: dict[Ref, Failure] = {}
        for stage in stages:
            blocked = next((failures[ref] for ref in stage.needs if ref in failures), None)
            if blocked is not None:
                failures[stage.ref] = Failure(stage, f"needs: {blocked.stage.label}", ours=False, blocked=True)
                self.display.note(f"{stage.label}: left out, needs: {blocked.stage.label}")
                self.display.skip(stage.key)
                continue
            failure = self._finish(stage)
            interrupt.check()
            if failure is not None:
                failures[stage.ref] = failure
        return list(failures.values())

    def _time_left(self, stages: Sequence[Stage], seconds: Callable[[Stage], float | None]) -> TimeLeft:
        """Of the stages to do. The first estimate of a plugin takes seconds, so the display says what goes on."""
        todo = [stage for stage in stages if not self.store.has(stage.action, stage.key)]
        expected = {}
        with self.display.progress("estimate the time").bar(len(todo), "stage") as bar:
            for one in todo:
                kind = " ".join([one.action, *(plugin.name for plugin in one.plugins)])
                expected[one.key] = Expected(kind, seconds(one))
                bar.update()
        return TimeLeft(expected)

    def _finish(self, stage: Stage) -> Failure | None:
        try:
            self._reuse_or_run(stage)
            return None
        # A plugin may well end in sys.exit().
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # What Ctrl-C became on its way through a library is no fault of the stage.
            interrupt.check()
            message, ours = self._explain(stage, error)
        self.display.tell(f"{stage.label}: failed: {message}")
        if self.resources.processes is not None and stage.shared:
            # The others stand somewhere inside this stage and can be reached no more; the launcher ends them.
            raise BenchError(f"{stage.label}: {message}; this ends every process, and the same command resumes")
        return Failure(stage, message, ours)

    def _reuse_or_run(self, stage: Stage) -> None:
        if self._is_there(stage):
            return
        with self.display.stage(stage.label, stage.key) as progress:
            claim = self.store.claim(stage.action, stage.key, progress.say, stage.source, stage.resumes)
            with claim as workspace:
                # Another run may have made it meanwhile.
                if self._is_there(stage):
                    return
                started = time.monotonic()
                self._run(stage, progress, workspace, started)
        where = self.store.path(stage.action, stage.key)
        self.display.note(f"{stage.label}: {time.monotonic() - started:.1f} s, in {where}")

    def _is_there(self, stage: Stage) -> bool:
        """BenchError where it is there and its files have changed."""
        if not self.store.has(stage.action, stage.key):
            return False
        self.store.verify(stage.action, stage.key)
        return True

    def _run(self, stage: Stage, progress: Progress, workspace: Workspace, started: float) -> None:
        resources, processes = self.resources, ProcessGroup()
        if resources.processes is not None and stage.shared:
            processes = resources.processes
            call(resources.processes, stage, workspace)
        device = resolve_device(resources.device)
        ctx = Context(
            seed=stage.seed,
            workdir=workspace.work,
            device=device,
            workers=resources.workers,
            download=resources.download,
            progress=progress,
            processes=processes,
            cache=resources.cache,
        )
        if not stage.uses_extractors:
            self.caches.network.close()
        job = Job(store=self.store, splits=self.splits, workspace=workspace, ctx=ctx, caches=self.caches)
        perform(stage, job)
        record = {
            "identity": stage.identity,
            "label": stage.label,
            "source": stage.source,
            "processes": processes.size,
            **describe(stage.requires, device, time.monotonic() - started),
        }
        self.store.commit(stage.action, stage.key, workspace, record)

    def _explain(self, stage: Stage, error: BaseException) -> tuple[str, bool]:
        """A full disk or a read-only folder is the user's to mend; anything else is ours, with its traceback kept."""
        if isinstance(error, BenchError):
            return str(error), False
        storage = storage_error(error, self.store.root)
        if storage is not None:
            return storage, False
        self.display.note(f"{stage.label} ({stage.action}/{stage.key})\n{traceback.format_exc()}")
        return f"{located(error)} (traceback in {self.display.log})", True
