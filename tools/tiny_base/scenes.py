"""Procedural scenes for pre-training the tiny base: shaded surfaces with folds, blobs, hollows, lights and frames.

They are generic pictures of soft surfaces in every palette, made here and nowhere else: no benchmark image and none
of the suite's phantom scenes is among them.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

SIZE = 64
FINE = 4
"""Lines are drawn so many times larger, for smooth borders of less than a pixel."""
PALETTES = {
    "red": ((0.4, 0.12, 0.1), (0.92, 0.58, 0.46)),
    "orange": ((0.38, 0.16, 0.05), (1.0, 0.72, 0.42)),
    "pink": ((0.5, 0.25, 0.26), (0.98, 0.78, 0.72)),
    "brown": ((0.2, 0.1, 0.07), (0.8, 0.6, 0.45)),
    "pale": ((0.5, 0.4, 0.33), (0.98, 0.9, 0.8)),
    "green": ((0.1, 0.25, 0.12), (0.6, 0.8, 0.5)),
    "blue": ((0.08, 0.15, 0.35), (0.6, 0.75, 0.95)),
    "grey": ((0.1, 0.1, 0.1), (0.85, 0.85, 0.85)),
}
PALETTE_SHARES = (0.22, 0.18, 0.16, 0.15, 0.13, 0.04, 0.05, 0.07)
Y, X = (axis / SIZE for axis in np.mgrid[:SIZE, :SIZE])


def field(rng: np.random.Generator, scale: float) -> np.ndarray:
    """Smooth random field in [0, 1], (64, 64); `scale` is the wavelength of its finest waves in pixels."""
    fy, fx = rng.normal(0, SIZE / scale / 2, (2, 8, 1, 1))
    phase, height = rng.uniform(0, 2 * np.pi, (8, 1, 1)), rng.uniform(0.3, 1, (8, 1, 1))
    total = (height * np.sin(2 * np.pi * (fy * Y + fx * X) + phase)).sum(0)
    return (total - total.min()) / (total.max() - total.min())


def blob(rng: np.random.Generator) -> np.ndarray:
    """Signed, roughly pixel-scaled distance to a wobbly ellipse, positive inside, (64, 64)."""
    cy, cx = rng.uniform(0.15, 0.85, 2)
    radius, ratio, turn = rng.uniform(0.06, 0.34), rng.uniform(0.55, 1.0), rng.uniform(0, np.pi)
    dy, dx = Y - cy, X - cx
    u, v = dx * np.cos(turn) + dy * np.sin(turn), (dy * np.cos(turn) - dx * np.sin(turn)) / ratio
    angle = np.arctan2(v, u)
    wobble = sum(rng.normal(0, 0.1 / k) * np.sin(k * angle + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 4, 5))
    return SIZE * (radius * (1 + wobble) - np.hypot(u, v))


def surface(rng: np.random.Generator, palette: str) -> np.ndarray:
    """Colour (64, 64, 3) of a surface in a palette, wavy, with soft folds or folds of one hard edge."""
    height = 0.7 * field(rng, 30) + 0.3 * field(rng, 12)
    turns = rng.uniform(0.5, 4) * field(rng, 60) + rng.uniform()
    folds = np.abs(np.sin(np.pi * turns)) if rng.uniform() < 0.5 else (turns % 1) ** rng.uniform(0.5, 2)
    shade = rng.uniform(0.1, 0.4) + 0.5 * height + rng.uniform(0, 0.6) * (folds - 0.3)
    dark, light = (np.array(c) + rng.normal(0, 0.05, 3) for c in PALETTES[palette])
    grain = 1 + rng.uniform(0, 0.15) * (field(rng, 5) - 0.5)
    return (dark + (light - dark) * shade.clip(0, 1.2)[..., None]) * grain[..., None]


def add_blob(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blend one shaded blob into an image, with a soft or a hard border."""
    distance = blob(rng)
    inside = 1 / (1 + np.exp(-(distance / rng.uniform(0.4, 2.5)).clip(-30, 30)))
    dome = np.sqrt(np.clip(distance / max(distance.max(), 1e-6), 0, 1))
    tint = image.mean((0, 1)) * rng.uniform(0.65, 1.4) + rng.normal(0, 0.08, 3)
    rough = 1 + rng.uniform(0, 0.4) * (field(rng, rng.uniform(3, 10)) - 0.5)
    colour = tint * (0.7 + 0.5 * dome)[..., None] * rough[..., None]
    return image + inside[..., None] * (colour - image) * rng.uniform(0.5, 1.0)


def add_hollow(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A dark hollow (the far end of a tube, a shadow) with a soft border."""
    inside = 1 / (1 + np.exp(-(blob(rng) / rng.uniform(0.8, 4)).clip(-30, 30)))
    return image * (1 - rng.uniform(0.5, 0.97) * inside)[..., None]


def add_veins(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Thin, dark, winding lines, as vessels or cracks, some of which branch."""
    canvas = Image.new("L", (SIZE * FINE, SIZE * FINE))
    draw = ImageDraw.Draw(canvas)
    for _ in range(rng.integers(1, 8)):
        points = _winding(rng, rng.uniform(0, 1, 2))
        draw.line(points, fill=255, width=int(rng.integers(2, 6)))
        if rng.uniform() < 0.5:
            start = np.array(points[rng.integers(len(points))]) / (SIZE * FINE)
            draw.line(_winding(rng, start), fill=255, width=2)
    lines = np.asarray(canvas.resize((SIZE, SIZE), Image.Resampling.BOX), dtype=np.float64)[..., None] / 255
    return image * (1 - lines * rng.uniform(0.15, 0.6) * rng.uniform((0.2, 0.7, 0.7), 1))


def _winding(rng: np.random.Generator, start: np.ndarray) -> list[tuple[float, float]]:
    """Points (x, y) in pixels of the canvas, of a path whose direction drifts."""
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.1, 0.6), rng.integers(4, 30)))
    steps = 0.025 * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    return [tuple(point) for point in (start + np.cumsum(steps, axis=0)) * SIZE * FINE]


def light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fall-off to one side, vignette round a random centre, specular spots of any direction clipped to white."""
    turn = rng.uniform(0, 2 * np.pi)
    slope = (X - 0.5) * np.cos(turn) + (Y - 0.5) * np.sin(turn)
    cy, cx = rng.uniform(0.2, 0.8, 2)
    vignette = 1.15 - rng.uniform(0, 1.5) * np.hypot(Y - cy, X - cx) ** 1.5
    image = image * np.clip((1 + rng.uniform(0, 1.2) * slope) * vignette, 0, 1.5)[..., None]
    for _ in range(rng.poisson(rng.choice((0, 2, 6)))):
        cy, cx, turn = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0, np.pi)
        u = (X - cx) * np.cos(turn) + (Y - cy) * np.sin(turn)
        v = (Y - cy) * np.cos(turn) - (X - cx) * np.sin(turn)
        spot = np.exp(-((u * SIZE / rng.uniform(0.6, 4)) ** 2) - (v * SIZE / rng.uniform(0.5, 1.5)) ** 2)
        image = image + spot[..., None] * rng.uniform(0.3, 1.2)
    return image


def frame(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Darken what lies outside a circle, or a rectangle with cut or round corners, as an optic's stop does."""
    cy, cx = rng.uniform(0.42, 0.58, 2)
    half_y, half_x = rng.uniform(0.38, 0.56, 2)
    dy, dx = np.abs(Y - cy), np.abs(X - cx)
    if rng.uniform() < 0.35:
        outside = np.hypot(dy, dx) - rng.uniform(0.4, 0.62)
    elif rng.uniform() < 0.5:
        outside = np.maximum.reduce(
            [dy - half_y, dx - half_x, (dy + dx - (half_y + half_x) * rng.uniform(0.7, 1)) / 1.4]
        )
    else:
        corner = rng.uniform(0, 0.3)
        qy, qx = dy - half_y + corner, dx - half_x + corner
        outside = np.hypot(qy.clip(0), qx.clip(0)) + np.maximum(qy, qx).clip(max=0) - corner
    share = (outside * SIZE / rng.uniform(0.5, 2) + 0.5).clip(0, 1)[..., None]
    return image * (1 - share) + share * (rng.uniform(0, 0.08) * rng.uniform(0.7, 1.3, 3))


def scene(rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """uint8 (64, 64, 3) and its caption."""
    palette = list(PALETTES)[rng.choice(len(PALETTES), p=PALETTE_SHARES)]
    image = surface(rng, palette)
    if rng.uniform() < 0.35:
        image = add_hollow(image, rng)
    if rng.uniform() < 0.5:
        image = add_veins(image, rng)
    count = rng.choice(3, p=(0.25, 0.6, 0.15))
    for _ in range(count):
        image = add_blob(image, rng)
    image = light(image, rng)
    image = image.clip(0, 1) ** rng.uniform(0.7, 1.5)
    if rng.uniform() < 0.5:
        image = frame(image, rng)
    image = image + rng.normal(0, rng.uniform(0, 0.02), image.shape)
    what = ("surface", "surface with a blob", "surface with two blobs")[count]
    return (image.clip(0, 1) * 255).round().astype(np.uint8), f"A photo of a {palette} {what}."
