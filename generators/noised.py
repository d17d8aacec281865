"""Noised: real images with sensor noise, and their masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.contracts import SAMPLE, param
from generators._changed_pairs import ChangedPairs
from generators._truths import FARTHER_WITH_DOSE
from generators._write_pairs import Pair


@dataclass(frozen=True)
class Params:
    """The dose: `noised:0.05`."""

    sd: float = param(0.05, "standard deviation of the noise, 1 being from black to white", low=0, high=1)


class Noised(ChangedPairs):
    """Real images with Gaussian noise, independent in each pixel and channel, and their own masks.

    Distances of sets must grow with the dose.
    """

    version = 1
    varies = (SAMPLE,)
    argument = "sd"
    Params = Params
    doses = ("0.02", "0.05", "0.1")
    truths = FARTHER_WITH_DOSE

    def changed(self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
        noise = rng.normal(0, 255 * self.params.sd, image.shape)
        return np.rint((image + noise).clip(0, 255)).astype(np.uint8), mask
