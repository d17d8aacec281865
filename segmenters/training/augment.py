"""Random changes of one training pair: crops, flips, quarter turns and colours."""

from __future__ import annotations

import numpy as np
from PIL import Image

from segmenters.training.published import Augmentation, Crop, Photometric

OUTSIDE = 255
"""Mask value of what is beyond the edge of a hard-masked image; losses that crop leave it out."""
TRIES = 10


def augmented(
    image: np.ndarray, mask: np.ndarray, how: Augmentation, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A uint8 image (s, s, 3) and its mask (s, s), changed but for the colours that another image lends."""
    if how.crop:
        image, mask = cropped(image, mask, how.crop, rng)
    if rng.random() < how.flip:
        image, mask = image[:, ::-1], mask[:, ::-1]
    if rng.random() < how.vertical_flip:
        image, mask = image[::-1], mask[::-1]
    if rng.random() < how.rotate:
        turns = int(rng.integers(4))
        image, mask = np.rot90(image, turns), np.rot90(mask, turns)
    return distorted(image, how.photometric, rng) if how.photometric else image, mask


def cropped(image: np.ndarray, mask: np.ndarray, crop: Crop, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A square as large as before; beyond the edge of a shrunken image it is black and its mask is `OUTSIDE`."""
    size = len(mask)
    side = round(size * rng.uniform(*crop.scale))
    image = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))
    mask = np.asarray(Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST))
    place = _place(side - size, rng)
    for _ in range(TRIES):
        share = (mask[place[0] : place[0] + size, place[1] : place[1] + size] == 1).mean()
        # A crop of one class alone is drawn anew too.
        if max(share, 1 - share) < crop.one_class_at_most:
            break
        place = _place(side - size, rng)
    part = slice(place[0], place[0] + size), slice(place[1], place[1] + size)
    shown = min(side, size)
    new_image, new_mask = np.zeros((size, size, 3), np.uint8), np.full((size, size), OUTSIDE, np.uint8)
    new_image[:shown, :shown], new_mask[:shown, :shown] = image[part], mask[part]
    return new_image, new_mask


def _place(margin: int, rng: np.random.Generator) -> tuple[int, int]:
    top, left = rng.integers(0, max(margin, 0) + 1, 2)
    return int(top), int(left)


def distorted(image: np.ndarray, how: Photometric, rng: np.random.Generator) -> np.ndarray:
    """The image under other light: brightness, contrast before or after saturation and hue, as mmsegmentation does."""

    def chance() -> bool:
        return rng.random() < 0.5

    if chance():
        image = _linear(image, 1, rng.uniform(-how.brightness, how.brightness))
    contrast = rng.uniform(*how.contrast) if chance() else 1.0
    first = chance()
    if first:
        image = _linear(image, contrast, 0)
    saturation = rng.uniform(*how.saturation) if chance() else 1.0
    hue = int(rng.integers(-how.hue, how.hue)) if chance() else 0
    if saturation != 1 or hue:
        image = recoloured(image, saturation, hue)
    return image if first else _linear(image, contrast, 0)


def _linear(values: np.ndarray, factor: float, shift: float) -> np.ndarray:
    """Cut to 8 bits; what is behind the point is dropped."""
    if factor == 1 and shift == 0:
        return values
    return (values.astype(np.float32) * factor + shift).clip(0, 255).astype(np.uint8)


def recoloured(image: np.ndarray, saturation: float, hue: int) -> np.ndarray:
    """The image with its saturation times a factor and its hue turned by `hue` × 2°, in 8-bit HSV."""
    hsv = np.array(Image.fromarray(np.ascontiguousarray(image)).convert("HSV"))
    # Pillow cuts the circle into 256 parts; the sum wraps around as it should.
    hsv[..., 0] += np.uint8(round(hue * 256 / 180) % 256)
    hsv[..., 1] = _linear(hsv[..., 1], saturation, 0)
    return np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"))
