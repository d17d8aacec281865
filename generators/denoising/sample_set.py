"""Samples one image for every condition, in batches; images that are there already stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.contracts import Context, ProcessGroup, Split, unfinished
from bench.images import save_png

Tick = Callable[[], None]
"""Called after each of the sampler's steps."""
Make = Callable[[slice, Tick], np.ndarray]
"""Images uint8 (n, h, w, 3) for these n of the conditions."""


def write_set(conditions: Split, make: Make, *, batch: int, steps: int, out: Path, ctx: Context) -> None:
    """Write `out/images/<id>.png` for every condition. With N processes each samples every N-th batch."""
    todo = batches_to_do(conditions, batch, out, ctx.processes)
    with ctx.progress.bar(todo.total * steps, "step", done=todo.done * steps) as bar:
        for at in todo.batches:
            part = conditions[at]
            images = dict(zip(part, make(at, partial(bar.update, len(part))), strict=True))
            for sample in unfinished(part, out):
                save_png(out / "images" / f"{sample.id}.png", images[sample])


@dataclass(frozen=True)
class ToDo:
    """This process's batches that lack an image, and of how many images in all how many lie in done ones."""

    batches: list[slice]
    total: int
    done: int


def batches_to_do(conditions: Split, batch: int, out: Path, processes: ProcessGroup) -> ToDo:
    """Whole batches in the order of the conditions: a resumed run repeats the batches of an uninterrupted one."""
    starts = range(0, len(conditions), batch)[processes.rank :: processes.size]
    mine = [slice(start, start + batch) for start in starts]
    todo = [at for at in mine if unfinished(conditions[at], out)]
    total, left = (sum(len(conditions[at]) for at in some) for some in (mine, todo))
    return ToDo(todo, total, total - left)
