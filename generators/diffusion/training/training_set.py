"""What never changes during training, computed once: VAE posteriors, hints and text embeddings of the training set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from bench.contracts import Context, Split
from generators.denoising.cache import digest_of, once
from generators.denoising.pixels import load_pixels
from generators.diffusion.base_model.coding import as_target, encode_images, encode_prompts, tokenize
from generators.diffusion.base_model.model import Base

CHUNK = 8


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Row i belongs to training pair i. `images` and `masks` lie on disk, mapped into memory.

    `mean` and `std` of the scaled posterior (n, c, h, w); `images` uint8 (n, fh, fw, 3), `masks` uint8 (n, fh, fw) in
    {0, 1}; `context` (n, tokens, width) embeds the prompts, `empty_context` (1, tokens, width) the empty one.
    """

    mean: torch.Tensor
    std: torch.Tensor
    images: np.ndarray
    masks: np.ndarray
    context: torch.Tensor
    empty_context: torch.Tensor

    def __len__(self) -> int:
        return len(self.mean)


def prepare_training_set(base: Base, train: Split, size: int, prompts: list[str], ctx: Context) -> TrainingSet:
    """Resize to a square of `size` px and encode, once for all generators with equal bytes and equal networks.

    The posterior is kept, so that each step still draws a fresh sample of it.
    """
    images, masks = load_pixels(train, size, ctx)
    origin = [digest_of(base.vae.state_dict()), digest_of({"images": torch.from_numpy(images)})]
    posteriors = once(ctx, "posteriors", origin, lambda: _encode_posteriors(base, images, ctx))
    mean, std = (posteriors[name].to(ctx.device) for name in ("mean", "std"))
    context, empty = _embed(base, prompts, ctx)
    return TrainingSet(mean=mean, std=std, images=images, masks=masks, context=context, empty_context=empty)


def _embed(base: Base, prompts: list[str], ctx: Context) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings of all prompts, of which most are equal, and of the empty one."""
    distinct = list(dict.fromkeys(["", *prompts]))
    origin = [digest_of(base.text_encoder.state_dict()), tokenize(base, distinct).numpy().data]
    texts = once(ctx, "texts", origin, lambda: {"embeddings": encode_prompts(base, distinct).cpu()})
    embeddings = texts["embeddings"].to(ctx.device)
    return embeddings[[distinct.index(prompt) for prompt in prompts]], embeddings[:1]


def _encode_posteriors(base: Base, images: np.ndarray, ctx: Context) -> dict[str, torch.Tensor]:
    parts = []
    with ctx.progress.bar(len(images), "image") as bar:
        for start in range(0, len(images), CHUNK):
            parts.append(encode_images(base, as_target(images[start : start + CHUNK]).to(ctx.device)))
            bar.update(len(parts[-1][0]))
    mean, std = (torch.cat(part) for part in zip(*parts, strict=True))
    return {"mean": mean.cpu(), "std": std.cpu()}
