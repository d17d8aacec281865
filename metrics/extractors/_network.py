"""Runs a network over image files in batches; images are decoded as they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.contracts import Context
from bench.errors import BenchError
from bench.images import load_rgb

if TYPE_CHECKING:
    import torch

BATCH = 32


def extract(
    images: Sequence[Path], size: tuple[int, int] | None, ctx: Context, dim: int,
    prepare: Callable[[np.ndarray], torch.Tensor], forward: Callable[[torch.Tensor], torch.Tensor],
) -> np.ndarray:  # fmt: skip
    """float32 (n, dim). `prepare`: uint8 (h, w, 3) -> input of the network; `forward`: a batch of them -> features."""
    import torch

    features = np.empty((len(images), dim), np.float32)
    with torch.inference_mode(), ctx.progress.bar(len(images), "image") as bar:
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH]
            batch = torch.stack([prepare(load_rgb(path, size)) for path in part]).to(ctx.device)
            features[start : start + len(part)] = forward(batch).float().cpu().numpy()
            bar.update(len(part))
    return features


def require_hash(path: Path, sha256: str) -> None:
    """Refuse a weight file whose sha256 does not begin with the known one."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not digest.startswith(sha256):
        raise BenchError(f"{path}: sha256 {digest[:8]}… is not the expected {sha256[:8]}…; fetch the file again")
