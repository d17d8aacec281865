"""Procedural scenes for pre-training the tiny base: shaded surfaces with folds, blobs, spots and vignettes.

They are generic pictures of soft surfaces in every palette, made here and nowhere else: no benchmark image and none
of the suite's phantom scenes is among them.
"""

from __future__ import annotations

import numpy as np

SIZE = 64
PALETTES = {
    "red": ((0.55, 0.22, 0.18), (0.92, 0.62, 0.5)),
    "pink": ((0.6, 0.35, 0.38), (0.98, 0.78, 0.72)),
    "brown": ((0.3, 0.16, 0.1), (0.8, 0.6, 0.45)),
    "pale": ((0.6, 0.5, 0.46), (0.97, 0.88, 0.82)),
    "green": ((0.1, 0.25, 0.12), (0.6, 0.8, 0.5)),
    "blue": ((0.08, 0.15, 0.35), (0.6, 0.75, 0.95)),
    "grey": ((0.2, 0.2, 0.2), (0.85, 0.85, 0.85)),
}


def field(rng: np.random.Generator, scale: float, size: int = SIZE) -> np.ndarray:
    """Smooth random field in [0, 1], (size, size); `scale` is the wavelength of its finest waves in pixels."""
    y, x = np.mgrid[:size, :size] / size
    total = np.zeros((size, size))
    for _ in range(8):
        frequency = rng.normal(0, size / scale / 2, 2)
        total += rng.uniform(0.3, 1) * np.sin(2 * np.pi * (frequency[0] * x + frequency[1] * y) + rng.uniform(0, 6.3))
    low, high = total.min(), total.max()
    return (total - low) / (high - low)


def blob(rng: np.random.Generator, size: int = SIZE) -> np.ndarray:
    """Signed, roughly pixel-scaled distance to a wobbly ellipse, positive inside, (size, size)."""
    y, x = np.mgrid[:size, :size]
    cy, cx = rng.uniform(0.15, 0.85, 2) * size
    radius, ratio, turn = rng.uniform(0.06, 0.34) * size, rng.uniform(0.55, 1.0), rng.uniform(0, np.pi)
    dy, dx = y - cy, x - cx
    u, v = dx * np.cos(turn) + dy * np.sin(turn), (dy * np.cos(turn) - dx * np.sin(turn)) / ratio
    angle = np.arctan2(v, u)
    wobble = sum(rng.normal(0, 0.1 / k) * np.sin(k * angle + rng.uniform(0, 6.3)) for k in (2, 3, 4, 5))
    return radius * (1 + wobble) - np.hypot(u, v)


def surface(rng: np.random.Generator, palette: str) -> tuple[np.ndarray, np.ndarray]:
    """Shading (64, 64) and colour (64, 64, 3) of a folded surface in a palette."""
    height = 0.7 * field(rng, 30) + 0.3 * field(rng, 12)
    folds = np.abs(np.sin(rng.uniform(2, 9) * field(rng, 60) + rng.uniform(0, 6.3)))
    shade = np.clip(0.35 + 0.5 * height + 0.35 * rng.uniform() * folds + 0.06 * rng.normal(0, 1), 0, 1.2)
    dark, light = (np.array(c) + rng.normal(0, 0.05, 3) for c in PALETTES[palette])
    grain = 1 + rng.uniform(0, 0.12) * (field(rng, 5) - 0.5)
    return shade, (dark + (light - dark) * shade[..., None]) * grain[..., None]


def add_blob(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blend one shaded blob into an image, with a soft or a hard border."""
    distance = blob(rng)
    inside = 1 / (1 + np.exp(-distance / rng.uniform(0.4, 2.5)))
    dome = np.sqrt(np.clip(distance / max(distance.max(), 1e-6), 0, 1))
    tint = image.mean((0, 1)) * rng.uniform(0.65, 1.35) + rng.normal(0, 0.08, 3)
    colour = tint * (0.75 + 0.45 * dome)[..., None] * (1 + 0.2 * (field(rng, 8) - 0.5))[..., None]
    return image + inside[..., None] * (colour - image) * rng.uniform(0.5, 1.0)


def add_lights(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Specular spots, and a vignette round a random centre."""
    y, x = np.mgrid[:SIZE, :SIZE]
    for _ in range(rng.poisson(2.5)):
        cy, cx = rng.uniform(0, SIZE, 2)
        spot = np.exp(-(((y - cy) / rng.uniform(0.6, 2.5)) ** 2 + ((x - cx) / rng.uniform(0.6, 2.5)) ** 2))
        image = image + spot[..., None] * rng.uniform(0.3, 0.9)
    cy, cx = rng.uniform(0.3, 0.7, 2) * SIZE
    distance = np.hypot(y - cy, x - cx) / SIZE
    image = image * np.clip(1.15 - rng.uniform(0, 1.1) * distance**1.5, 0, 1.2)[..., None]
    if rng.uniform() < 0.35:
        corner = rng.uniform(0.55, 0.75)
        image = image * (distance < corner)[..., None]
    return image


def scene(rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """uint8 (64, 64, 3) and its caption."""
    palette = list(PALETTES)[rng.choice(len(PALETTES), p=(0.28, 0.2, 0.17, 0.15, 0.06, 0.06, 0.08))]
    _, image = surface(rng, palette)
    count = rng.choice(3, p=(0.25, 0.6, 0.15))
    for _ in range(count):
        image = add_blob(image, rng)
    image = add_lights(image, rng)
    image = image + rng.normal(0, rng.uniform(0, 0.02), image.shape)
    what = ("surface", "surface with a blob", "surface with two blobs")[count]
    return (image.clip(0, 1) * 255).round().astype(np.uint8), f"A photo of a {palette} {what}."
