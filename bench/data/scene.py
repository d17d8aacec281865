"""Draws one colonoscopy-like scene with its exact mask: a lesion of its own, or one of the shape it is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The camera, light and patient behind a set of scenes. As it is here, that of training; test sets shift some."""

    hue: float = 0.0
    light: float = 1.0
    lesion_size: float = 1.0
    lesion_contrast: float = 2.2
    blur: float = 0.0
    noise: float = 0.015
    vignette: float = 0.6
    cold: float = 0.0


def _waves(rng: np.random.Generator, size: int, length: float, count: int = 7) -> np.ndarray:
    """Smooth random field of mean 0 and unit variance with waves of about `length` of the image."""
    y, x = np.mgrid[:size, :size] / size
    total = np.zeros((size, size))
    for _ in range(count):
        angle, frequency = rng.uniform(0, 2 * np.pi), rng.gamma(4, 0.25) / length
        total += np.cos(2 * np.pi * frequency * (np.cos(angle) * x + np.sin(angle) * y) + rng.uniform(0, 2 * np.pi))
    return (total - total.mean()) / (total.std() + 1e-9)


def _smooth(image: np.ndarray, radius: float) -> np.ndarray:
    """Gaussian blur of (h, w) or (h, w, c) along both axes, edges repeated, cut off at three times `radius` pixels."""
    from scipy.ndimage import gaussian_filter

    if radius <= 0:
        return image
    return gaussian_filter(image, radius, mode="nearest", radius=max(1, int(3 * radius)), axes=(0, 1))


def _folds(rng: np.random.Generator, size: int) -> np.ndarray:
    """Height of the gut wall: rings of haustral folds round a lumen, bent by slow waves."""
    y, x = np.mgrid[:size, :size] / size
    cy, cx = rng.uniform(-0.2, 1.2, 2)
    distance = np.hypot(y - cy, (x - cx) * rng.uniform(0.7, 1.3)) + 0.06 * _waves(rng, size, 0.6)
    rings = np.sin(2 * np.pi * distance * rng.uniform(0.6, 1.6) + rng.uniform(0, 2 * np.pi))
    return np.abs(rings) * rng.uniform(0.08, 0.3) + 0.05 * _waves(rng, size, 0.5) + 0.3 * distance


def _lesion(rng: np.random.Generator, size: int, domain: Domain) -> tuple[np.ndarray, np.ndarray]:
    """Mask in {0, 1} and dome height in [0, 1] of a lobed, rotated ellipse that lies wholly or mostly inside."""
    y, x = np.mgrid[:size, :size] / size
    radius = np.clip(rng.gamma(9, 0.021), 0.08, 0.33) * domain.lesion_size
    cy, cx = rng.uniform(0.22, 0.78, 2)
    angle, ratio = rng.uniform(0, np.pi), rng.uniform(0.6, 1.0)
    u = np.cos(angle) * (x - cx) + np.sin(angle) * (y - cy)
    v = (np.cos(angle) * (y - cy) - np.sin(angle) * (x - cx)) / ratio
    around = np.arctan2(v, u)
    lobes = sum(rng.normal(0, 0.13 / k) * np.cos(k * around + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 4))
    relative = np.hypot(u, v) / (radius * (1 + lobes))
    return (relative < 1).astype(np.uint8), np.sqrt(np.clip(1 - relative**2, 0, 1))


def dome_of(mask: np.ndarray) -> np.ndarray:
    """Height in [0, 1] over a mask (h, w) in {0, 1}: each of its parts a dome that is highest far from the border.

    Over a disc it is that of `draw_scene`'s own lesions.
    """
    from scipy.ndimage import distance_transform_edt, label, maximum

    if mask.all():
        return np.ones(mask.shape)
    parts, count = label(mask)
    # Distances go to the next pixel's centre, half a pixel beyond the border.
    inside = np.maximum(distance_transform_edt(mask) - 0.5, 0)
    highest = np.array([1.0, *maximum(inside, parts, range(1, count + 1))])
    return np.sqrt(1 - (1 - inside / highest[parts]) ** 2)


def _shade(rng: np.random.Generator, height: np.ndarray, domain: Domain) -> np.ndarray:
    """Lambert-like brightness from the slope towards a moving light, darker with distance from it."""
    size = height.shape[0]
    y, x = np.mgrid[:size, :size] / size
    gy, gx = np.gradient(height, 1 / size)
    ly, lx = rng.uniform(0.2, 0.8, 2)
    towards = (gy * (ly - y) + gx * (lx - x)) / (1 + np.hypot(gy, gx))
    distance = np.hypot(y - ly, x - lx)
    return domain.light * np.clip(1.0 + 0.75 * towards - 0.45 * distance, 0.08, 1.4)


def _vessels(rng: np.random.Generator, size: int) -> np.ndarray:
    """Thin dark branches: zero crossings of a slow field, in [0, 1]."""
    return np.exp(-((_waves(rng, size, 0.35) / 0.07) ** 2)) * (_waves(rng, size, 0.5) > 0.2)


def _highlights(rng: np.random.Generator, shade: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Small specular spots, more of them where the wall bulges into the light, in [0, 1]."""
    size = shade.shape[0]
    y, x = np.mgrid[:size, :size] / size
    likely = np.clip(shade * (height - height.min()), 1e-6, None).ravel()
    total = np.zeros((size, size))
    for spot in rng.choice(size * size, rng.integers(2, 9), p=likely / likely.sum()):
        sy, sx = divmod(int(spot), size)
        ry, rx = rng.uniform(0.006, 0.025, 2)
        total += np.exp(-(((y - sy / size) / ry) ** 2 + ((x - sx / size) / rx) ** 2))
    return np.clip(total, 0, 1)


def draw_scene(
    rng: np.random.Generator, size: int, domain: Domain, given: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """uint8 image (size, size, 3) and mask (size, size) in {0, 1} with at least one pixel of lesion.

    `given`: the mask, (size, size) in {0, 1}, whatever lesion it has; `domain.lesion_size` then has no effect.
    """
    wall = _folds(rng, size)
    mask, dome = _lesion(rng, size, domain) if given is None else (given, dome_of(given))
    while given is None and not mask.any():
        mask, dome = _lesion(rng, size, domain)
    contrast = domain.lesion_contrast * rng.uniform(0.7, 1.3)
    height = wall + 0.12 * contrast * dome
    shade = _shade(rng, height, domain)
    mucosa = np.array([0.82, 0.47, 0.38]) + rng.normal(0, 0.05, 3) + domain.hue * np.array([-0.08, 0.06, 0.10])
    tissue = mucosa * (1 + 0.03 * _waves(rng, size, 0.08, count=20)[..., None])
    tissue = tissue - 0.16 * _vessels(rng, size)[..., None] * np.array([0.5, 1.0, 0.9])
    # Lesions are redder or paler than the wall, with a rougher surface; shape tells more than colour does.
    tint = rng.choice((-1.0, 1.0)) * contrast * np.array([0.06, 0.13, 0.12]) + rng.normal(0, 0.02, 3)
    rough = 0.03 * contrast * _waves(rng, size, 0.07, count=20)
    border = _smooth(mask.astype(float), size * 0.008)
    tissue = tissue + border[..., None] * (tint + rough[..., None])
    image = tissue * shade[..., None] + 0.75 * _highlights(rng, shade, height)[..., None]
    return _camera(rng, image, domain), mask


def _camera(rng: np.random.Generator, image: np.ndarray, domain: Domain) -> np.ndarray:
    """Vignette, black corners, white balance, blur and sensor noise."""
    size = image.shape[0]
    y, x = np.mgrid[:size, :size] / size - 0.5
    distance = np.hypot(y, x)
    image = image * (1 - domain.vignette * distance**2 * 1.6)[..., None]
    image = image * (1 + domain.cold * np.array([-0.18, 0.02, 0.22]))
    if rng.uniform() < 0.6:
        image = image * _smooth((np.abs(y) + np.abs(x) < rng.uniform(0.78, 0.95)).astype(float), 0.8)[..., None]
    image = _smooth(image, domain.blur * size) + rng.normal(0, domain.noise, image.shape)
    return (image.clip(0, 1) * 255).round().astype(np.uint8)
