"""The training loop of the diffusion generators: checkpoints, resume, stop at the first broken number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from bench.contracts import Context, ProcessGroup
from bench.errors import BenchError
from bench.files.checkpoints import load_checkpoint, save_checkpoint
from generators.diffusion.training.curve import Curve
from generators.diffusion.training.watch import Watch

StepFunction = Callable[[int], dict[str, float]]
"""Adds this process's share of the gradients of step k to the parameters; returns its share of the loss and parts."""


@dataclass(frozen=True)
class Schedule:
    """AdamW at a constant rate, no clipping, no average of weights, as published."""

    steps: int
    lr: float
    weight_decay: float
    checkpoint_every: int


def train(
    modules: Mapping[str, nn.Module], step: StepFunction, schedule: Schedule, watch: Watch, ctx: Context
) -> list[dict[str, float]]:
    """Train the modules' parameters that require a gradient; returns the loss parts of every step.

    Goes on from the newest whole checkpoint in `ctx.workdir`, to the same weights as an uninterrupted run. Processes
    of a process group each have the modules whole and take the same steps; the first alone writes.
    """
    parameters = [p for module in modules.values() for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, schedule.lr, weight_decay=schedule.weight_decay)
    curve = _resume(modules, optimizer, ctx)
    kept = len(curve)
    with ctx.progress.bar(schedule.steps, "step", done=kept) as bar:
        for number in range(kept + 1, schedule.steps + 1):
            optimizer.zero_grad(set_to_none=True)
            losses = _add_up(parameters, step(number - 1), ctx.processes)
            if not all(map(math.isfinite, losses.values())):
                raise _broken(f"loss is not finite ({losses})", number, kept, curve, watch, ctx)
            optimizer.step()
            curve.append(losses)
            bar.update(1, **losses)
            keep = number % schedule.checkpoint_every == 0 or number == schedule.steps
            # A finite loss can have a gradient that is not; such weights must not take a good checkpoint's place.
            if keep and not all(p.isfinite().all() for p in parameters):
                raise _broken("a weight is not finite", number, kept, curve, watch, ctx)
            watch.after_step(number, number == schedule.steps)
            if keep:
                watch.update_curve(curve)
                if ctx.processes.rank == 0:
                    save_checkpoint(ctx, number, _state(modules, optimizer, curve))
                kept = number
    return curve


def _add_up(parameters: Sequence[nn.Parameter], losses: dict[str, float], processes: ProcessGroup) -> dict[str, float]:
    """Gradients and losses of the whole processes.

    Summed once a step and not as the backward pass goes: a step has several backward passes, which a wrapper such as
    DistributedDataParallel takes for as many steps.
    """
    if processes.size == 1:
        return losses
    values = torch.tensor(list(losses.values()), device=parameters[0].device)
    processes.all_reduce([*(p.grad for p in parameters), values])
    return dict(zip(losses, values.tolist(), strict=True))


def _broken(what: str, number: int, kept: int, curve: Curve, watch: Watch, ctx: Context) -> BenchError:
    """The error that stops a training; the curve up to it is drawn, for it shows how the break came."""
    if curve:
        watch.update_curve(curve)
    last = f"the last good checkpoint, of step {kept}, stays in {ctx.workdir}" if kept else "no checkpoint was due yet"
    return BenchError(f"{what} at step {number}; lower the learning rate; {last}; the curve up to it: {watch.folder}")


def _state(modules: Mapping[str, nn.Module], optimizer: Any, curve: Curve) -> dict[str, Any]:
    return {
        "modules": {name: module.state_dict() for name, module in modules.items()},
        "optimizer": optimizer.state_dict(),
        "curve": curve,
    }


def _resume(modules: Mapping[str, nn.Module], optimizer: Any, ctx: Context) -> list[dict[str, float]]:
    """Bring networks and optimiser to where they were; returns the curve up to there."""
    state = load_checkpoint(ctx)
    if not state:
        return []
    for name, module in modules.items():
        module.load_state_dict(state["modules"][name])
    optimizer.load_state_dict(state["optimizer"])
    return list(state["curve"])
