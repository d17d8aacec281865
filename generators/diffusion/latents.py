"""What never changes during training, computed once: VAE posteriors, hints and text embeddings of the training set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from bench.contracts import Context, Split
from bench.images import load_mask, load_rgb
from generators.diffusion.base import Base, encode_images, encode_prompts

CHUNK = 8


@dataclass(frozen=True)
class TrainingSet:
    """Row i belongs to training pair i. Posteriors are scaled; hints are uint8 and lie on disk, mapped into memory."""

    mean: torch.Tensor
    std: torch.Tensor
    images: np.ndarray
    masks: np.ndarray
    context: torch.Tensor
    empty_context: torch.Tensor

    def __len__(self) -> int:
        return len(self.mean)


def prepare_training_set(base: Base, train: Split, size: int, prompts: list[str], ctx: Context) -> TrainingSet:
    """Squash to `size` px, encode once. The posterior is kept, so that each step still draws a fresh sample of it."""
    images = np.lib.format.open_memmap(ctx.workdir / "images.npy", "w+", np.uint8, (len(train), size, size, 3))
    masks = np.lib.format.open_memmap(ctx.workdir / "masks.npy", "w+", np.uint8, (len(train), size, size))
    means, stds = [], []
    with ctx.progress.bar(len(train), "image") as bar:
        for start in range(0, len(train), CHUNK):
            rows = range(start, min(start + CHUNK, len(train)))
            for row in rows:
                images[row] = load_rgb(train[row].image, (size, size))
                masks[row] = load_mask(train[row].mask, (size, size))
            mean, std = encode_images(base, as_target(images[rows.start : rows.stop]).to(ctx.device))
            means.append(mean)
            stds.append(std)
            bar.update(len(rows))
    context = encode_distinct(base, prompts)
    return TrainingSet(torch.cat(means), torch.cat(stds), images, masks, context, encode_prompts(base, [""]))


def encode_distinct(base: Base, prompts: list[str]) -> torch.Tensor:
    """Embeddings (n, tokens, width) of prompts of which most are equal: each distinct one is encoded once."""
    distinct = list(dict.fromkeys(prompts))
    embedded = encode_prompts(base, distinct)
    return embedded[[distinct.index(prompt) for prompt in prompts]]


def as_target(pixels: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def image_hint(pixels: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> float32 (n, 3, h, w) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255


def mask_hint(masks: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w) in {0, 1} -> float32 (n, 3, h, w): the mask in all three channels."""
    return torch.from_numpy(np.ascontiguousarray(masks)).float()[:, None].repeat(1, 3, 1, 1)
