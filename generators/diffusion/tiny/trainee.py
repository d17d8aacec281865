"""What both trainings share: checkpoint and resume, learning-rate schedule, moving average, loss curve."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from bench.files.atomic import replacing
from generators.diffusion.tiny.muon import Muon

EMA = 0.998
WARM_UP, DECAY = 50, 0.5


MakeOptimisers = Callable[[torch.nn.Module, float], Sequence[torch.optim.Optimizer]]


def adamw(model: torch.nn.Module, lr: float) -> list[torch.optim.Optimizer]:
    return [torch.optim.AdamW(model.parameters(), lr)]


def muon(model: torch.nn.Module, lr: float) -> list[torch.optim.Optimizer]:
    """Muon for weights of two or more dimensions, AdamW for biases and norms. For models without embeddings."""
    weights = list(model.parameters())
    matrices, vectors = [w for w in weights if w.ndim > 1], [w for w in weights if w.ndim <= 1]
    return [Muon(matrices, lr), torch.optim.AdamW(vectors, lr)]


class Trainee:
    """A model with its optimisers and moving average; `steps` yields those still to do."""

    def __init__(self, model: torch.nn.Module, lr: float, make_optimisers: MakeOptimisers) -> None:
        self.model, self.lr = model, lr
        self.optimisers = make_optimisers(model, lr)
        self.average = {name: value.clone() for name, value in model.state_dict().items()}

    def steps(self, total: int, checkpoint: Path, every: int = 100) -> Iterator[int]:
        """Steps from the checkpoint on; sets the learning rate before each and saves after every `every`-th."""
        for step in range(self._resume(checkpoint), total):
            rate = self.lr * min(1, (step + 1) / WARM_UP, (total - step) / (DECAY * total))
            for optimiser in self.optimisers:
                optimiser.param_groups[0]["lr"] = rate
            yield step
            if (step + 1) % every == 0 or step + 1 == total:
                self._save(checkpoint, step + 1)

    def learn(self, loss: torch.Tensor, step: int) -> None:
        """One step down the gradient, then the moving average."""
        self.model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        weight = 1 - min(EMA, (1 + step) / (10 + step))
        for name, value in self.model.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, weight)

    def _save(self, path: Path, step: int) -> None:
        optimisers = [optimiser.state_dict() for optimiser in self.optimisers]
        state = {"step": step, "model": self.model.state_dict(), "optimisers": optimisers, "average": self.average}
        with replacing(path) as part:
            torch.save(state, part)

    def _resume(self, path: Path) -> int:
        if not path.exists():
            return 0
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.average.update(state["average"])
        return state["step"]


def note(path: Path, step: int, **numbers: float) -> None:
    """Append a line to a CSV file."""
    fresh = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if fresh:
            writer.writerow(["step", *numbers])
        writer.writerow([step, *(f"{number:.6g}" for number in numbers.values())])
