"""Dilated: real images whose masks are drawn too wide, or too narrow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.contracts import Must, Truth, param
from generators._changed_pairs import ChangedPairs, PixelParams, in_own_pixels
from generators._truths import BLIND_TO_MASKS, LESS_ALIGNED_WITH_DOSE
from generators._write_pairs import Pair


@dataclass(frozen=True)
class Params(PixelParams):
    """The dose: `dilated:3`, `dilated:-3`."""

    distance: float = param(
        3.0, "by which mask borders move outwards; below 0: inwards", unit="px", low=-1024, high=1024
    )


class Dilated(ChangedPairs):
    """Real images, their masks dilated by a distance, or eroded by one below 0: a systematic error of the border.

    No lesion vanishes: of one that erosion would swallow, what lies deepest stays. Dice of networks must fall with the
    dose, and alignment with it; measures of images alone cannot see it.
    """

    version = 1
    varies = ()
    requires = ("scipy",)
    argument = "distance"
    cite = "dose and response: Heller et al., Imperfect Segmentation Labels, LABELS 2018 (arXiv:1806.04618)"
    Params = Params
    doses = ("2", "4", "8")
    truths = (LESS_ALIGNED_WITH_DOSE, Truth(must=Must.WORSEN), *BLIND_TO_MASKS)

    def changed(self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
        distance = in_own_pixels(self.params.distance, self.params.side, image)
        return image, moved_border(mask, distance)


def moved_border(mask: np.ndarray, distance: float) -> np.ndarray:
    """uint8 (h, w) in {0, 1} -> the same, the border `distance` px further out, or in where it is below 0."""
    from scipy.ndimage import distance_transform_edt, label, maximum

    if not mask.any() or mask.all():
        return mask
    if distance >= 0:
        return (distance_transform_edt(mask == 0) <= distance).astype(np.uint8)
    depth = distance_transform_edt(mask)
    parts, count = label(mask)
    deepest = np.array([np.inf, *maximum(depth, parts, range(1, count + 1))])[parts]
    return ((depth > -distance) | (depth == deepest)).astype(np.uint8)
