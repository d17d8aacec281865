"""Random crops of photographs that ship inside the scikit-image wheel; nothing is downloaded.

Only those are used whose entry in `skimage.data` states CC0, public domain or "no known copyright restrictions".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 64
PHOTOS = {
    "astronaut.png": ("A photo of an astronaut.", 3),
    "chelsea.png": ("A photo of a cat.", 4),
    "coffee.png": ("A photo of coffee.", 4),
    "retina.jpg": ("A photo of a retina.", 4),
    "rocket.jpg": ("A photo of a rocket.", 3),
    "ihc.png": ("A photo of tissue.", 2),
    "hubble_deep_field.jpg": ("A photo of galaxies.", 1),
    "microaneurysms.png": ("A photo of vessels.", 1),
    "camera.png": ("A photo of a cameraman.", 2),
    "coins.png": ("A photo of coins.", 1),
    "cell.png": ("A photo of a cell.", 1),
    "clock_motion.png": ("A photo of a clock.", 1),
    "brick.png": ("A photo of bricks.", 1),
    "gravel.png": ("A photo of gravel.", 1),
}
"""File -> caption, and how often it is drawn: smooth colour photographs more than grey textures."""


def load_photos() -> list[tuple[Image.Image, str]]:
    """RGB images, the long side at most 640 px, with their captions, each as often as its weight says."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    loaded = []
    for name, (caption, weight) in PHOTOS.items():
        image = Image.open(folder / name).convert("RGB")
        image.thumbnail((640, 640), Image.Resampling.LANCZOS)
        loaded += [(image, caption)] * weight
    return loaded


def crop(photos: list[tuple[Image.Image, str]], rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """uint8 (64, 64, 3): a square of 80 px up to the short side, flipped, turned, jittered in colour; its caption."""
    image, caption = photos[rng.integers(len(photos))]
    short = min(image.size)
    side = int(np.exp(rng.uniform(np.log(min(80, short)), np.log(short))))
    left, top = (int(rng.integers(0, length - side + 1)) for length in image.size)
    small = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    pixels = np.rot90(np.asarray(small), int(rng.integers(4))).astype(np.float64) / 255
    if rng.uniform() < 0.5:
        pixels = pixels[:, ::-1]
    if rng.uniform() < 0.6:
        # A reddish or any other tint: mixes the channels so that colours the photographs lack are seen too.
        mix = np.eye(3) + rng.normal(0, 0.2, (3, 3))
        pixels = (pixels @ mix.T) * rng.uniform(0.5, 1.3) + rng.normal(0, 0.05, 3)
    return (pixels.clip(0, 1) * 255).round().astype(np.uint8), caption
