"""The training pool: half procedural scenes, half photograph crops, made once from a seed."""

from __future__ import annotations

import numpy as np

from generators.diffusion.tiny.photos import crop, load_photos
from generators.diffusion.tiny.scenes import scene


def make_pool(count: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """uint8 (count, 64, 64, 3) and captions; even rows are scenes, odd rows photographs."""
    rng = np.random.default_rng(seed)
    photos = load_photos()
    made = [scene(rng) if index % 2 == 0 else crop(photos, rng) for index in range(count)]
    return np.stack([image for image, _ in made]), [caption for _, caption in made]
