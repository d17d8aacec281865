"""The training loop of generators that remove noise: checkpoints, resume, stop at the first broken number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn

from bench.contracts import Context, ProcessGroup
from bench.errors import BenchError
from bench.files.checkpoints import load_checkpoint, save_checkpoint
from generators.denoising.curve import Curve
from generators.denoising.learner import Learner
from generators.denoising.watch import Watch

StepFunction = Callable[[int], dict[str, float]]
"""Adds this process's share of the gradients of step k to the parameters; returns its share of the loss and parts."""


def train(learner: Learner, step: StepFunction, watch: Watch, ctx: Context) -> list[dict[str, float]]:
    """Train for the steps of the learner's schedule; returns the loss parts of every step.

    Goes on from the newest whole checkpoint in `ctx.workdir`, to the same weights as an uninterrupted run. Processes
    of a process group each have the modules whole and take the same steps; the first alone writes.
    """
    schedule, parameters = learner.schedule, learner.parameters
    curve = _resume(learner, ctx)
    kept = len(curve)
    with ctx.progress.bar(schedule.steps, "step", done=kept) as bar:
        for number in range(kept + 1, schedule.steps + 1):
            learner.optimizer.zero_grad(set_to_none=True)
            losses = _add_up(parameters, step(number - 1), ctx.processes)
            if not all(map(math.isfinite, losses.values())):
                raise _broken(f"loss is not finite ({losses})", number, kept, curve, watch, ctx)
            learner.step(number)
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
                    save_checkpoint(ctx, number, {**learner.state(), "curve": curve})
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


def _resume(learner: Learner, ctx: Context) -> list[dict[str, float]]:
    """Bring the learner to where it was; returns the curve up to there."""
    state = load_checkpoint(ctx)
    if not state:
        return []
    learner.restore(state)
    return list(state["curve"])
