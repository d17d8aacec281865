"""One training loop and one prediction loop for every network: what differs comes as a `Recipe`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bench.contracts import TRAINING, Context, Split
from bench.errors import BenchError, first_line
from bench.files.checkpoints import load_checkpoint, save_checkpoint
from bench.images import load_rgb, save_png, size_of
from segmenters.training.augment import OUTSIDE
from segmenters.training.batches import Source, open_source, resized, to_tensors
from segmenters.training.data import Pairs, decode_pairs
from segmenters.training.maps import MapHead
from segmenters.training.precision import arithmetic, in_fp32
from segmenters.training.published import Augmentation, Scales

WEIGHTS = "model.safetensors"
Probability = Callable[[torch.nn.Module, torch.Tensor], torch.Tensor]
Loss = Callable[[torch.nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained: `loss(model, images, masks)` takes normalised float images and masks (n, h, w).

    Masks are int64, 255 beyond the edge of a crop (where images are 0), or float in [0, 1] where the scales say
    `soft_masks`. Not 0, `updates` is how many the optimiser makes, rounded up to whole epochs; otherwise `epochs` says
    how long. `make_scheduler` may return None; otherwise `step(watched)` is called after each epoch with the mean loss
    of the validation split, or of the training epoch where there is none. `rate(done, total)`, where there is one, is
    the share of the learning rates at an update.
    """

    size: int
    batch: int
    epochs: int
    normalise: Callable[[torch.Tensor], torch.Tensor]
    loss: Loss
    make_optimizer: Callable[[torch.nn.Module], torch.optim.Optimizer]
    make_scheduler: Callable[[torch.optim.Optimizer], Any]
    updates: int = 0
    rate: Callable[[int, int], float] | None = None
    scales: Scales = Scales()
    augmentation: Augmentation = Augmentation()
    precision: str = "fp32"

    def passes(self, updates: int) -> int:
        """Epochs, where each has so many updates."""
        return math.ceil(self.updates / updates) if self.updates else self.epochs


def fit(
    model: torch.nn.Module,
    recipe: Recipe,
    train: Split,
    val: Split,
    model_dir: Path,
    ctx: Context,
    *,
    select: Split = (),
    probability: Probability | None = None,
) -> None:
    """Train to the last epoch, which is the one kept: no data selects an epoch. Resumes from `ctx.workdir`.

    With `select` the epoch is kept instead whose maps, `probability(model, images)`, are best on these samples; the
    report says so.
    """
    source = open_source(train, recipe.size, recipe.batch, recipe.scales, recipe.augmentation, ctx)
    watched = decode_pairs(val, recipe.size, recipe.scales.soft_masks, ctx) if val else None
    judged = decode_pairs(select, recipe.size, False, ctx) if select else None
    training = _Training(model=model, recipe=recipe, source=source, ctx=ctx)
    epochs = recipe.passes(source.updates)
    with ctx.progress.bar(epochs * source.updates, "step", done=training.updates) as bar:
        for epoch in range(len(training.history), epochs):
            entry = {"train_loss": training.epoch(epoch, bar), "val_loss": training.loss_of(watched)}
            training.schedule_epoch(entry)
            if judged is not None:
                assert probability is not None
                training.judge(entry, mean_dice(model, probability, recipe, judged, ctx.device))
            training.history.append(entry)
            training.save()
    kept = training.keep_best() if judged is not None else "last epoch"
    write(model, model_dir, training.report(kept))


@dataclass(kw_only=True)
class _Training:
    """A network on its way, with all that a checkpoint holds."""

    model: torch.nn.Module
    recipe: Recipe
    source: Source
    ctx: Context
    updates: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        recipe, updates = self.recipe, self.source.updates
        total = recipe.passes(updates) * updates
        self.model.to(self.ctx.device)
        if recipe.precision != "fp32":
            self.model.register_forward_hook(lambda _module, _inputs, outputs: in_fp32(outputs))
        self.optimizer = recipe.make_optimizer(self.model)
        self.scheduler = recipe.make_scheduler(self.optimizer)
        rate = recipe.rate
        self.rate = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda n: rate(n, total)) if rate else None
        self._resume()

    def _resume(self) -> None:
        saved = load_checkpoint(self.ctx)
        if saved:
            for name, part in self._parts().items():
                part.load_state_dict(saved["states"][name])
            self.updates, self.history, self.best = saved["updates"], saved["history"], saved["best"]

    def _parts(self) -> dict[str, Any]:
        """All that has a state; a recipe may do without scheduler or rate."""
        parts = {"model": self.model, "optimizer": self.optimizer, "scheduler": self.scheduler, "rate": self.rate}
        return {name: part for name, part in parts.items() if part is not None}

    def save(self) -> None:
        """Leave a checkpoint of the epochs so far."""
        states = {name: part.state_dict() for name, part in self._parts().items()}
        state = {"states": states, "updates": self.updates, "history": self.history, "best": self.best}
        save_checkpoint(self.ctx, len(self.history), state)

    def epoch(self, epoch: int, bar: Any) -> float:
        """Mean loss of its updates, each image counted alike."""
        self.model.train()
        # Dropout and the like follow the epoch's own seed, so that a resumed run repeats an uninterrupted one.
        torch.manual_seed(int(np.random.default_rng([self.ctx.seed, 1, epoch]).integers(2**62)))
        total, soft = 0.0, self.recipe.scales.soft_masks
        for batch in self.source.epoch(epoch, self.ctx.workers):
            images, masks = to_tensors(batch.images, batch.masks, soft, self.ctx.device)
            for size in batch.sizes:
                loss = self.update(*resized(images, masks, size, self.recipe.scales))
                if not math.isfinite(loss):
                    raise BenchError(f"loss is not finite in epoch {epoch + 1}; lower the learning rate")
                total += loss * len(images) / len(batch.sizes)
                bar.update(1, loss=loss)
        return total / len(self.source.pairs)

    def update(self, images: torch.Tensor, masks: torch.Tensor) -> float:
        """One optimiser step; a loss that is not finite is returned before it changes the network."""
        images = self.recipe.normalise(images)
        if self.recipe.augmentation.crop:
            images = images.masked_fill((masks == OUTSIDE)[:, None], 0)
        with arithmetic(self.recipe.precision, self.ctx.device):
            loss = self.recipe.loss(self.model, images, masks)
        value = loss.item()
        if math.isfinite(value):
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.updates += 1
            if self.rate is not None:
                self.rate.step()
        return value

    @torch.no_grad()
    def loss_of(self, pairs: Pairs | None) -> float | None:
        """Mean loss of pairs as they are."""
        if pairs is None:
            return None
        self.model.eval()
        total = 0.0
        for rows in _in_order(pairs, self.recipe.batch):
            images, masks = to_tensors(*pairs.read(rows), self.recipe.scales.soft_masks, self.ctx.device)
            total += self.recipe.loss(self.model, self.recipe.normalise(images), masks).item() * len(rows)
        return total / len(pairs)

    def schedule_epoch(self, entry: dict[str, Any]) -> None:
        """Tell the scheduler the loss it watches."""
        if self.scheduler is not None:
            self.scheduler.step(entry["train_loss"] if entry["val_loss"] is None else entry["val_loss"])

    def judge(self, entry: dict[str, Any], dice: float) -> None:
        """Keep the weights where no epoch before was as good; they stand in the checkpoint, as all the rest."""
        if all(dice > earlier["selection_dice"] for earlier in self.history):
            self.best = {name: value.clone() for name, value in _weights(self.model).items()}
        entry["selection_dice"] = dice

    def keep_best(self) -> str:
        """Take the best epoch's weights back; which it was, as the report says it."""
        scores = [entry["selection_dice"] for entry in self.history]
        best = max(range(len(scores)), key=scores.__getitem__)
        self.model.load_state_dict(self.best)
        return f"epoch {best + 1} of {len(scores)}, selected on test: highest mean soft Dice"

    def report(self, kept: str) -> dict[str, Any]:
        """What `training.json` tells of the training."""
        return {
            "epochs": len(self.history),
            "updates": self.updates,
            "kept": kept,
            "notes": self.source.notes,
            "history": self.history,
        }


@torch.no_grad()
def mean_dice(model: torch.nn.Module, probability: Probability, recipe: Recipe, pairs: Pairs, device: str) -> float:
    """Mean over images of the soft Dice (2I + 1) / (P + G + 1), which Polyp-PVT selects by: theirs at the images' own
    sizes with grey masks, ours at the network's with masks of 0 and 1.
    """
    model.eval()
    total = 0.0
    for rows in _in_order(pairs, recipe.batch):
        images, masks = to_tensors(*pairs.read(rows), False, device)
        maps = probability(model, recipe.normalise(images)).double()
        areas = maps.sum((1, 2)) + masks.sum((1, 2))
        total += ((2 * (maps * masks).sum((1, 2)) + 1) / (areas + 1)).sum().item()
    return total / len(pairs)


def _in_order(pairs: Pairs, batch: int) -> list[np.ndarray]:
    return np.split(np.arange(len(pairs)), range(batch, len(pairs), batch))


def write(model: torch.nn.Module, model_dir: Path, report: dict[str, Any]) -> None:
    """Leave the weights and the report of their training in `model_dir`, as `predict` reads them."""
    save_file(_weights(model), model_dir / WEIGHTS)
    (model_dir / TRAINING).write_text(json.dumps(report, indent=1), encoding="utf-8")


def _weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.contiguous().cpu() for name, value in model.state_dict().items()}


def load_weights(model: torch.nn.Module, model_dir: Path) -> None:
    """Strict; BenchError for a truncated file or another network's."""
    try:
        model.load_state_dict(load_file(model_dir / WEIGHTS))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise BenchError(f"{model_dir / WEIGHTS}: {first_line(error)}; delete {model_dir} to train anew") from None


@torch.inference_mode()
def predict(
    model: torch.nn.Module, head: MapHead, recipe: Recipe, samples: Split, *, model_dir: Path, out: Path, ctx: Context
) -> None:
    """Write `out/<id>.png` for every sample: its map in [0, 1] × 255, rounded, 8-bit grey.

    The network sees batches of one size; each map is made at its own image's size, one at a time.
    """
    load_weights(model, model_dir)
    model.to(ctx.device).eval()
    with ctx.progress.bar(len(samples), "image") as bar:
        for start in range(0, len(samples), recipe.batch):
            part = samples[start : start + recipe.batch]
            pixels = np.stack([load_rgb(sample.image, (recipe.size, recipe.size)) for sample in part])
            images = torch.from_numpy(pixels).to(ctx.device).permute(0, 3, 1, 2).float()
            for sample, one in zip(part, head.logits(model, recipe.normalise(images)).split(1), strict=True):
                if not torch.isfinite(one).all():
                    raise BenchError(f"{sample.image}: its map is not finite; lower the learning rate and train anew")
                width, height = size_of(sample.image)
                found = head.lesion_map(one, (height, width))[0]
                save_png(out / f"{sample.id}.png", (found * 255).round().to(torch.uint8).cpu().numpy())
            bar.update(len(part))
