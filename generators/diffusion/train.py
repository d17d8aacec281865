"""The training loop of the diffusion generators: checkpoints, resume, stop at the first broken number."""

from __future__ import annotations

import math
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bench.contracts import Context, Team
from bench.errors import BenchError
from generators.diffusion.base import first_line
from generators.diffusion.curve import Curve
from generators.diffusion.watch import Watch

CHECKPOINT = "checkpoint.pt"

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

    Goes on from `ctx.workdir`'s checkpoint when there is one, to the same weights as an uninterrupted run. Processes of
    a team each have the modules whole and take the same steps; the first alone writes.
    """
    parameters = [p for module in modules.values() for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, schedule.lr, weight_decay=schedule.weight_decay)
    path = ctx.workdir / CHECKPOINT
    curve = _resume(path, modules, optimizer)
    ctx.team.wait()  # The first must not write a checkpoint that another has yet to read.
    kept = len(curve)
    with ctx.progress.bar(schedule.steps, "step", done=kept) as bar:
        for number in range(kept + 1, schedule.steps + 1):
            optimizer.zero_grad(set_to_none=True)
            losses = _add_up(parameters, step(number - 1), ctx.team)
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
                if ctx.team.rank == 0:
                    _save(path, modules, optimizer, curve)
                kept = number
    return curve


def _add_up(parameters: Sequence[nn.Parameter], losses: dict[str, float], team: Team) -> dict[str, float]:
    """Gradients and losses of the whole team.

    Summed once a step and not as the backward pass goes: a step has several backward passes, which a wrapper such as
    DistributedDataParallel takes for as many steps.
    """
    if team.size == 1:
        return losses
    values = torch.tensor(list(losses.values()), device=parameters[0].device)
    team.add_up([*(p.grad for p in parameters), values])
    return dict(zip(losses, values.tolist(), strict=True))


def _broken(what: str, number: int, kept: int, curve: Curve, watch: Watch, ctx: Context) -> BenchError:
    """The error that stops a training; the curve up to it is drawn, for it shows how the break came."""
    if curve:
        watch.update_curve(curve)
    last = f"the last good checkpoint, of step {kept}, stays in {ctx.workdir}" if kept else "no checkpoint was due yet"
    return BenchError(f"{what} at step {number}; lower the learning rate; {last}; the curve up to it: {watch.folder}")


def _save(path: Path, modules: Mapping[str, nn.Module], optimizer: Any, curve: list[dict[str, float]]) -> None:
    state = {
        "modules": {name: module.state_dict() for name, module in modules.items()},
        "optimizer": optimizer.state_dict(),
        "curve": curve,
    }
    part = path.with_suffix(".part")
    try:
        torch.save(state, part)
    except RuntimeError as error:
        # torch's writer says neither which file nor that the disk is full.
        raise BenchError(
            f"{path}: checkpoint could not be written ({first_line(error)}); free space on that disk, or choose "
            f"another place with --results"
        ) from None
    os.replace(part, path)


def _resume(path: Path, modules: Mapping[str, nn.Module], optimizer: Any) -> list[dict[str, float]]:
    if not path.exists():
        return []
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    # torch tells a truncated file in several ways: a broken archive, a broken pickle, an early end.
    except (RuntimeError, EOFError, KeyError, OSError, ValueError, pickle.UnpicklingError) as error:
        raise BenchError(f"{path}: truncated checkpoint ({first_line(error)}); delete it to train anew") from None
    for name, module in modules.items():
        module.load_state_dict(state["modules"][name])
    optimizer.load_state_dict(state["optimizer"])
    return list(state["curve"])
