"""One training loop and one prediction loop for every network: what differs comes as a `Recipe`."""

from __future__ import annotations

import json
import math
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bench.contracts import Context, Split
from bench.errors import BenchError
from bench.images import load_rgb, save_png, size_of
from segmenters.training.data import PairArrays, decode_pairs, epoch_batches

CHECKPOINT = "checkpoint.pt"
WEIGHTS = "model.safetensors"
REPORT = "training.json"


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: `loss(model, images, masks)` takes normalised float images and int64 masks.

    `make_scheduler` may return None; otherwise `step(watched)` is called after each epoch with the mean loss of the
    validation split, or of the training epoch where there is none.
    """

    size: int
    batch: int
    epochs: int
    normalise: Callable[[torch.Tensor], torch.Tensor]
    loss: Callable[[torch.nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]
    make_optimizer: Callable[[torch.nn.Module], torch.optim.Optimizer]
    make_scheduler: Callable[[torch.optim.Optimizer], Any]


def fit(model: torch.nn.Module, recipe: Recipe, train: Split, val: Split, model_dir: Path, ctx: Context) -> None:
    """Train to the last epoch, which is the one kept: no data selects an epoch. Resumes from `ctx.workdir`."""
    model.to(ctx.device)
    optimizer = recipe.make_optimizer(model)
    scheduler = recipe.make_scheduler(optimizer)
    pairs = decode_pairs(train, recipe.size, "train", ctx)
    watched = decode_pairs(val, recipe.size, "val", ctx) if val else None
    path = ctx.workdir / CHECKPOINT
    history = _resume(path, model, optimizer, scheduler)
    per_epoch = math.ceil(len(pairs) / recipe.batch)
    with ctx.progress.bar(recipe.epochs * per_epoch, "step", done=len(history) * per_epoch) as bar:
        for epoch in range(len(history), recipe.epochs):
            loss = _train_epoch(model, recipe, pairs, optimizer, epoch, ctx, bar)
            val_loss = _mean_loss(model, recipe, watched, ctx) if watched is not None else None
            if scheduler is not None:
                scheduler.step(loss if val_loss is None else val_loss)
            history.append({"train_loss": loss, "val_loss": val_loss})
            _save(path, model, optimizer, scheduler, history)
    write(model, model_dir, {"epochs": recipe.epochs, "updates": recipe.epochs * per_epoch, "history": history})


def _train_epoch(
    model: torch.nn.Module, recipe: Recipe, pairs: PairArrays, optimizer: torch.optim.Optimizer, epoch: int,
    ctx: Context, bar: Any,
) -> float:  # fmt: skip
    model.train()
    total = 0.0
    # Dropout and the like follow the epoch's own seed, so that a resumed run repeats an uninterrupted one.
    torch.manual_seed(int(np.random.default_rng([ctx.seed, 1, epoch]).integers(2**62)))
    for rows in epoch_batches(len(pairs), recipe.batch, epoch, ctx.seed):
        images, masks = _tensors(pairs, rows, recipe, ctx.device)
        loss = recipe.loss(model, images, masks)
        if not torch.isfinite(loss):
            raise BenchError(f"loss is not finite in epoch {epoch + 1}; lower the learning rate")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
        bar.update(1, loss=loss.item())
    return total / len(pairs)


@torch.no_grad()
def _mean_loss(model: torch.nn.Module, recipe: Recipe, pairs: PairArrays, ctx: Context) -> float:
    model.eval()
    total = 0.0
    for start in range(0, len(pairs), recipe.batch):
        rows = np.arange(start, min(start + recipe.batch, len(pairs)))
        images, masks = _tensors(pairs, rows, recipe, ctx.device)
        total += recipe.loss(model, images, masks).item() * len(rows)
    return total / len(pairs)


def _tensors(pairs: PairArrays, rows: np.ndarray, recipe: Recipe, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.from_numpy(pairs.images[rows]).to(device).permute(0, 3, 1, 2).float()
    return recipe.normalise(images), torch.from_numpy(pairs.masks[rows]).to(device).long()


def _save(path: Path, model: torch.nn.Module, optimizer: Any, scheduler: Any, history: list[dict[str, Any]]) -> None:
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict() if scheduler is not None else None,
        "history": history,
    }
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def _resume(path: Path, model: torch.nn.Module, optimizer: Any, scheduler: Any) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    # torch tells a truncated file in several ways: a broken archive, a missing key, an early end.
    except (RuntimeError, EOFError, KeyError, OSError, ValueError, pickle.UnpicklingError):
        raise BenchError(f"{path}: truncated checkpoint; delete it to train anew") from None
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    if scheduler is not None:
        scheduler.load_state_dict(state["scheduler"])
    return list(state["history"])


def write(model: torch.nn.Module, model_dir: Path, report: dict[str, Any]) -> None:
    """Leave the weights and the report of their training in `model_dir`, as `predict` reads them."""
    save_file({name: value.contiguous().cpu() for name, value in model.state_dict().items()}, model_dir / WEIGHTS)
    (model_dir / REPORT).write_text(json.dumps(report, indent=1), encoding="utf-8")


def load_weights(model: torch.nn.Module, model_dir: Path) -> None:
    """Strict; BenchError for a truncated file or another network's."""
    try:
        model.load_state_dict(load_file(model_dir / WEIGHTS))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise BenchError(
            f"{model_dir / WEIGHTS}: {str(error).splitlines()[0]}; delete {model_dir} to train anew"
        ) from None


@torch.inference_mode()
def predict(
    model: torch.nn.Module, probability: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor], recipe: Recipe,
    samples: Split, model_dir: Path, out: Path, ctx: Context,
) -> None:  # fmt: skip
    """Write `out/<id>.png`: `probability(model, images)` in [0, 1], bilinear to the image's own size, × 255."""
    load_weights(model, model_dir)
    model.to(ctx.device).eval()
    with ctx.progress.bar(len(samples), "image") as bar:
        for start in range(0, len(samples), recipe.batch):
            part = samples[start : start + recipe.batch]
            pixels = np.stack([load_rgb(sample.image, (recipe.size, recipe.size)) for sample in part])
            images = torch.from_numpy(pixels).to(ctx.device).permute(0, 3, 1, 2).float()
            for sample, prob in zip(part, probability(model, recipe.normalise(images)), strict=True):
                width, height = size_of(sample.image)
                if not torch.isfinite(prob).all():
                    raise BenchError(f"{sample.image}: its map is not finite; lower the learning rate and train anew")
                full = torch.nn.functional.interpolate(prob[None, None], (height, width), mode="bilinear")[0, 0]
                save_png(out / f"{sample.id}.png", (full * 255).round().to(torch.uint8).cpu().numpy())
            bar.update(len(part))
