"""Which batches of a set are still to be sampled, and by which process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.contracts import ProcessGroup, Split, unfinished


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
