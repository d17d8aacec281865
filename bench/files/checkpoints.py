"""What a killed training goes on from: the newest checkpoints of a work folder, each with its check sum in its name.

A name and its bytes appear in one step, so a check sum is never another file's. The last but one is kept too, for the
day on which the last is damaged.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.contracts import Context
from bench.errors import BenchError, first_line
from bench.files.atomic import part_of, sha256_file

KEPT = 2
_NAME = re.compile(r"checkpoint-\d+-[0-9a-f]{64}\.pt")


def save_checkpoint(ctx: Context, done: int, state: Mapping[str, Any]) -> None:
    """Keep `state` after so many steps or epochs: tensors, numbers, words, and lists and dictionaries of them.

    Of several processes the first alone calls it. Raises BenchError where the disk has no room.
    """
    import torch

    path = ctx.workdir / "checkpoint.pt"
    try:
        with part_of(path) as part:
            torch.save(dict(state), part)
            os.replace(part, ctx.workdir / f"checkpoint-{done:08d}-{sha256_file(part)}.pt")
    # torch's writer says neither which file nor that the disk is full.
    except (RuntimeError, OSError) as error:
        raise BenchError(
            f"{path}: checkpoint could not be written ({first_line(error)}); free space on that disk, or choose "
            "another place with --results"
        ) from None
    for old in checkpoints(ctx.workdir)[KEPT:]:
        old.unlink()


def load_checkpoint(ctx: Context) -> dict[str, Any]:
    """The state of the newest checkpoint that is whole; empty where there is none, and a training begins anew.

    Damaged ones are named and removed. Of several processes each calls it and gets the state that the first has chosen.
    """
    import torch

    path, damaged = _newest_whole(ctx.workdir)
    done = _of_the_first(ctx, _done(path) if path else 0)
    if done != (_done(path) if path else 0):
        raise BenchError(
            f"{ctx.workdir}: process {ctx.processes.rank} reads other checkpoints than the first; start again"
        )
    state = torch.load(path, weights_only=True, map_location="cpu") if path else {}
    ctx.processes.barrier()  # The first must neither remove nor write what another has yet to read.
    if ctx.processes.rank == 0:
        goes_on = "goes on from the one before" if path else "begins anew"
        for one in damaged:
            one.unlink()
            ctx.progress.say(f"{one}: checkpoint damaged, its bytes are not those of its sha256; training {goes_on}")
    return state


def checkpoints(folder: Path) -> list[Path]:
    """Newest first."""
    return sorted((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), key=_done, reverse=True)


def _newest_whole(folder: Path) -> tuple[Path | None, list[Path]]:
    """And those newer than it, none of which is whole."""
    damaged: list[Path] = []
    for path in checkpoints(folder):
        if _is_whole(path):
            return path, damaged
        damaged.append(path)
    return None, damaged


def _is_whole(path: Path) -> bool:
    try:
        return sha256_file(path) == path.stem.rpartition("-")[2]
    except OSError:
        return False


def _done(path: Path) -> int:
    return int(path.stem.split("-")[1])


def _of_the_first(ctx: Context, number: int) -> int:
    """The first process's number, in every process."""
    if ctx.processes.size == 1:
        return number
    import torch

    box = torch.tensor([0 if ctx.processes.rank else number], device=ctx.device)
    ctx.processes.all_reduce([box])
    return int(box)
