"""Warped: real images whose masks have the wrong outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from bench.contracts import SAMPLE, Must, Truth, param
from generators._changed_pairs import ChangedPairs, PixelParams, in_own_pixels
from generators._truths import BLIND_TO_MASKS, LESS_ALIGNED_WITH_DOSE
from generators._write_pairs import Pair

KNOTS = 8
"""Of the random field along the shorter side: between two of them it changes."""


@dataclass(frozen=True)
class Params(PixelParams):
    """The dose: `warped:4`."""

    distance: float = param(4.0, "root mean square displacement of mask borders", unit="px", low=0, high=1024)


class Warped(ChangedPairs):
    """Real images, their masks displaced by a smooth random field: an annotator with an unsteady hand.

    The field changes within about an eighth of the image's shorter side. A mask that would be pushed out of the image
    stays as it is. Dice of networks must fall with the dose, and alignment with it; measures of images alone cannot
    see it.
    """

    version = 1
    varies = (SAMPLE,)
    requires = ("scipy",)
    argument = "distance"
    cite = "dose and response: Heller et al., Imperfect Segmentation Labels, LABELS 2018 (arXiv:1806.04618)"
    Params = Params
    doses = ("1", "2", "4")
    truths = (LESS_ALIGNED_WITH_DOSE, Truth(must=Must.WORSEN), *BLIND_TO_MASKS)

    def changed(self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
        from scipy.ndimage import map_coordinates

        field = smooth_field(rng, mask.shape) * in_own_pixels(self.params.distance, self.params.side, image)
        where = np.indices(mask.shape) + field
        moved = map_coordinates(mask.astype(np.float64), where, order=1, mode="nearest") > 0.5
        return image, moved.astype(np.uint8) if moved.any() else mask


def smooth_field(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random displacements (2, h, w), rows first, of root mean square length 1."""
    height, width = shape
    knots = [max(2, round(KNOTS * length / min(shape)) + 1) for length in shape]
    coarse = rng.normal(size=(2, *knots)).astype(np.float32)
    resized = (Image.fromarray(one).resize((width, height), Image.Resampling.BICUBIC) for one in coarse)
    field = np.stack([np.asarray(one, np.float64) for one in resized])
    return field / np.sqrt((field**2).sum(axis=0).mean())
