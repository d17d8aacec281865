"""Several processes that a launcher started for one run: the first sets up alone, then all compute together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.engine.distributed import LaunchedGroup, help_out
from bench.engine.runner import Resources
from bench.errors import BenchError
from bench.progress.display import Display
from bench.store.artefacts import Store
from bench.workflows.request import Request, RunRequest
from bench.workflows.setup import set_up

CACHE = "cache"
"""Below the results folder: what stages share; it may be deleted between runs."""


def resources_for(request: Request, processes: LaunchedGroup | None = None) -> Resources:
    """What the request may use. BenchError for a device that is not the one the launcher gave."""
    device = request.device if processes is None else processes.device
    if request.device not in ("auto", device, device.partition(":")[0]):
        raise BenchError(f"--device {request.device}: the launcher gives each process its own ({device}); leave it out")
    return Resources(
        device=device,
        workers=request.workers,
        download=request.download,
        cache=request.results / CACHE,
        processes=processes,
    )


@contextmanager
def first_alone(processes: LaunchedGroup | None) -> Iterator[None]:
    """In the first process: what is built and checked here is there when the others set up; they hear how it went."""
    try:
        yield
    except BaseException:
        if processes is not None:
            processes.broadcast(False)
        raise
    if processes is not None:
        processes.broadcast(True)


def help_first(request: RunRequest, store: Store, processes: LaunchedGroup) -> None:
    """What every process but the first does; nothing where the first could not set up."""
    if not processes.broadcast(None):
        return
    setup = set_up(request, store, Display(lines=False))
    help_out(processes, setup.plan.stages, store, setup.splits, request.results / CACHE, request.download)
    processes.close()
