"""An optimiser step in micro-batches: some of each process."""

from __future__ import annotations

from collections.abc import Callable

from bench.contracts import ProcessGroup
from generators.denoising.loop import StepFunction

Backward = Callable[[int, int, int], dict[str, float]]
"""`backward(step, part, parts)`: adds the gradients of the step's micro-batch `part`, divided by `parts`, to the
parameters; returns its loss and the loss's parts."""


def in_parts(backward: Backward, accumulation: int, processes: ProcessGroup) -> StepFunction:
    """This process's share of a step, `accumulation` micro-batches one after the other."""
    parts, first = processes.size * accumulation, processes.rank * accumulation

    def step(number: int) -> dict[str, float]:
        losses = [backward(number, part, parts) for part in range(first, first + accumulation)]
        return {name: sum(part.get(name, 0.0) for part in losses) / parts for name in losses[0]}

    return step
