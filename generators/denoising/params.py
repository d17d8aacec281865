"""Parameters of every training that removes noise, and what must fit between them."""

from __future__ import annotations

from dataclasses import dataclass

from bench.contracts import param
from bench.errors import BenchError

PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True, kw_only=True)
class TrainingParams:
    """Those that decide how much, and those that decide in which portions. A subclass gives its own defaults."""

    steps: int = param(1, "optimiser steps", low=1)
    batch: int = param(1, "images an optimiser step, over all devices", low=1)
    accumulation: int = param(1, "micro-batches a device takes an optimiser step in: less memory", low=1, key=False)
    precision: str = param(
        "fp32", "of the arithmetic (code: fp32); weights and optimiser stay fp32", choices=PRECISIONS
    )
    gradient_checkpointing: bool = param(False, "compute activations twice instead of keeping them", key=False)
    checkpoint_every: int = param(250, "steps between checkpoints", low=1, key=False)
    preview_every: int = param(500, "steps between pictures of samples on fixed masks; 0: none", low=0, key=False)
    sample_batch: int = param(16, "images sampled at once", low=1, key=False)


def refuse_uneven(p: TrainingParams, devices: int) -> None:
    """BenchError where so many devices and the accumulation do not divide the batch."""
    if p.batch % (devices * p.accumulation) == 0:
        return
    many = f"{devices} devices × " if devices > 1 else ""
    able = ", ".join(str(n) for n in range(1, p.batch + 1) if p.batch % (n * devices) == 0)
    remedy = f"make accumulation one of {able}" if able else f"make batch a multiple of {devices}"
    raise BenchError(f"{many}accumulation={p.accumulation} does not divide batch={p.batch}; {remedy}")
