"""Several processes, started by `accelerate launch` or `torchrun`, that do one run together.

The first walks the graph as it would alone. Where a plugin shares a stage, it tells the others, and all work on that
stage; otherwise they wait.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.contracts import Context, ProcessGroup, Split
from bench.engine.actions import perform
from bench.engine.device import resolve_device
from bench.engine.job import Job
from bench.plan.stage import Stage
from bench.progress import interrupt
from bench.store.artefacts import Store, Workspace

_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Where torch's launcher, and those of MPI, say how many processes they started."""

_PATIENCE = timedelta(days=30)  # The others wait while the first trains segmenters alone.


class LaunchedGroup(ProcessGroup):
    """A process group whose processes a launcher started, each on a device of its own, or all on the processor."""

    def __init__(self, cpu: bool) -> None:
        import torch
        from accelerate import PartialState

        interrupt.leave_termination()
        self._state = PartialState(cpu=cpu, timeout=_PATIENCE)
        self.rank, self.size = self._state.process_index, self._state.num_processes
        self.device = str(self._state.device)
        # Waiting on an accelerator's own group would keep that accelerator busy.
        self._messages = torch.distributed.new_group(backend="gloo", timeout=_PATIENCE)

    def all_reduce(self, tensors: Sequence[Any]) -> None:
        import torch

        for tensor in tensors:
            torch.distributed.all_reduce(tensor)

    def barrier(self) -> None:
        import torch

        torch.distributed.barrier(group=self._messages)

    def broadcast(self, message: Any) -> Any:
        """The first process's `message`, in every process; what another passes is ignored."""
        import torch

        box = [message]
        torch.distributed.broadcast_object_list(box, src=0, group=self._messages)
        return box[0]

    def close(self) -> None:
        """End the connection, so that the processes end without complaint."""
        self._state.destroy_process_group()


def launched(device: str) -> LaunchedGroup | None:
    """The process group this process is in, None where it was started alone. `device` is --device."""
    return LaunchedGroup(resolve_device(device) == "cpu") if process_count() > 1 else None


def process_count() -> int:
    """How many processes a launcher has started for this run."""
    return int(next((os.environ[name] for name in _SIZES if name in os.environ), "1"))


def alone_by_mistake() -> str:
    """A note where `accelerate launch --cpu` was asked for several processes and started one, else nothing."""
    asked = "MASTER_ADDR" in os.environ and "ACCELERATE_MIXED_PRECISION" in os.environ
    if not asked or any(name in os.environ for name in _SIZES):
        return ""
    return (
        "accelerate launch --cpu started this process alone (it starts several through MPI only); for N processes: "
        "torchrun --nproc-per-node N -m bench run …"
    )


def call(processes: LaunchedGroup, stage: Stage, workspace: Workspace) -> None:
    """In the first process: have the others do the stage with it."""
    processes.broadcast((stage.action, stage.key, str(workspace.out), str(workspace.work)))


def help_out(
    processes: LaunchedGroup,
    stages: Sequence[Stage],
    store: Store,
    splits: Mapping[str, Split],
    cache: Path,
    download: bool,
) -> None:
    """In the other processes: do each stage the first calls for, until it says that the run is over."""
    known = {(stage.action, stage.key): stage for stage in stages}
    while (message := processes.broadcast(None)) is not None:
        action, key, out, work = message
        stage, workspace = known[action, key], Workspace(Path(out), Path(work))
        ctx = Context(
            seed=stage.seed,
            workdir=workspace.work,
            device=processes.device,
            download=download,
            processes=processes,
            cache=cache,
        )
        perform(stage, Job(store=store, splits=splits, workspace=workspace, ctx=ctx))
