"""The training pool: two thirds procedural scenes, one third photograph crops, made once from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.files.atomic import replacing
from generators.diffusion.tiny.photos import crop, load_photos
from generators.diffusion.tiny.scenes import scene


def make_pool(count: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """uint8 (count, 64, 64, 3) and captions; every third row is a photograph, the others are scenes."""
    rng = np.random.default_rng(seed)
    photos = load_photos()
    made = [crop(photos, rng) if index % 3 == 0 else scene(rng) for index in range(count)]
    return np.stack([image for image, _ in made]), [caption for _, caption in made]


def kept_pool(count: int, seed: int, folder: Path) -> tuple[np.ndarray, list[str]]:
    """The same, kept in `folder` so that a resumed training need not make it again."""
    path = folder / f"pool_{count}_{seed}.npz"
    if not path.exists():
        pixels, captions = make_pool(count, seed)
        with replacing(path) as part, part.open("wb") as stream:
            np.savez(stream, pixels=pixels, captions=np.array(captions))
    kept = np.load(path)
    return kept["pixels"], kept["captions"].tolist()
