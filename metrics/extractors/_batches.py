"""From image files to rows of features, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from bench.contracts import Context


def extract(
    images: Sequence[Path],
    read: Callable[[Path], np.ndarray],
    forward: Callable[[torch.Tensor], torch.Tensor],
    dim: int,
    batch: int,
    ctx: Context,
) -> np.ndarray:
    """float32 (n, dim): row i is `forward` of `read(images[i])`, whatever its neighbours are.

    `read` gives uint8 (h, w, 3); `forward` takes uint8 (b, 3, h, w) on the device and gives (b, dim). Images of
    unequal size never share a forward pass. At most `batch` decoded images are held at once.
    """
    features = np.empty((len(images), dim), dtype=np.float32)
    bar = ctx.progress.bar(len(images), "image")
    with ThreadPoolExecutor(max(1, ctx.workers)) as readers, bar, torch.inference_mode(), _full_float32():
        for start in range(0, len(images), batch):
            pixels = list(readers.map(read, images[start : start + batch]))
            for rows in _of_one_size(pixels):
                stack = torch.from_numpy(np.stack([pixels[row] for row in rows]))
                found = forward(stack.to(ctx.device).permute(0, 3, 1, 2))
                features[[start + row for row in rows]] = found.float().cpu().numpy()
            bar.update(len(pixels))
    return features


def _of_one_size(pixels: Sequence[np.ndarray]) -> Iterator[list[int]]:
    shapes = [image.shape for image in pixels]
    for shape in dict.fromkeys(shapes):
        yield [row for row, other in enumerate(shapes) if other == shape]


@contextmanager
def _full_float32() -> Iterator[None]:
    """On an accelerator: no TF32 and no search for the fastest kernel, which change the fourth digit."""
    matmul = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = matmul
