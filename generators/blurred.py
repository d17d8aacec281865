"""Blurred: real images out of focus, with their masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.contracts import param
from generators._changed_pairs import ChangedPairs, PixelParams, in_own_pixels
from generators._truths import FARTHER_WITH_DOSE
from generators._write_pairs import Pair


@dataclass(frozen=True)
class Params(PixelParams):
    """The dose: `blurred:2`."""

    sigma: float = param(2.0, "standard deviation of the Gaussian", unit="px", low=0, high=256)


class Blurred(ChangedPairs):
    """Real images through a Gaussian blur, with their own masks. Distances of sets must grow with the dose."""

    version = 1
    varies = ()
    requires = ("scipy",)
    argument = "sigma"
    Params = Params
    doses = ("0.5", "1", "2")
    truths = FARTHER_WITH_DOSE

    def changed(self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
        from scipy.ndimage import gaussian_filter

        sigma = in_own_pixels(self.params.sigma, self.params.side, image)
        blurred = gaussian_filter(image.astype(np.float64), sigma, mode="nearest", axes=(0, 1))
        return np.rint(blurred).astype(np.uint8), mask
