"""Random crops of the photographs that ship inside the scikit-image wheel; nothing is downloaded.

Its data folder states them to be in the public domain or free of known restrictions; no benchmark image is among them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 64
PHOTOS = {
    "astronaut.png": "A photo of an astronaut.",
    "chelsea.png": "A photo of a cat.",
    "coffee.png": "A photo of coffee.",
    "hubble_deep_field.jpg": "A photo of galaxies.",
    "ihc.png": "A photo of tissue.",
    "motorcycle_left.png": "A photo of a motorcycle.",
    "retina.jpg": "A photo of a retina.",
    "rocket.jpg": "A photo of a rocket.",
    "microaneurysms.png": "A photo of vessels.",
    "grass.png": "A photo of grass.",
    "gravel.png": "A photo of gravel.",
    "moon.png": "A photo of the moon.",
    "coins.png": "A photo of coins.",
    "cell.png": "A photo of a cell.",
}


def load_photos() -> list[tuple[Image.Image, str]]:
    """RGB images, the long side at most 640 px, with their captions."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    loaded = []
    for name, caption in PHOTOS.items():
        image = Image.open(folder / name).convert("RGB")
        image.thumbnail((640, 640), Image.Resampling.LANCZOS)
        loaded.append((image, caption))
    return loaded


def crop(photos: list[tuple[Image.Image, str]], rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """uint8 (64, 64, 3): a square of 64 px up to the short side, flipped, turned, jittered in colour; its caption."""
    image, caption = photos[rng.integers(len(photos))]
    short = min(image.size)
    side = int(np.exp(rng.uniform(np.log(min(80, short)), np.log(short))))
    left, top = (int(rng.integers(0, length - side + 1)) for length in image.size)
    small = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    pixels = np.rot90(np.asarray(small), rng.integers(4)).astype(np.float64) / 255
    if rng.uniform() < 0.5:
        pixels = pixels[:, ::-1]
    if rng.uniform() < 0.6:
        # A reddish or any other tint: mixes the channels so that colours the photographs lack are seen too.
        mix = np.eye(3) + rng.normal(0, 0.2, (3, 3))
        pixels = (pixels @ mix.T) * rng.uniform(0.7, 1.3) + rng.normal(0, 0.05, 3)
    return (pixels.clip(0, 1) * 255).round().astype(np.uint8), caption
