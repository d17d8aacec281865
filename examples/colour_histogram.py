"""A feature extractor without a network: the colour histogram of an image."""

from dataclasses import dataclass

import numpy as np

from bench.contracts import Extractor, Network, param


@dataclass(frozen=True)
class Params:
    bins: int = param(16, "bins a colour channel", low=2, high=256)


class Histogram(Network):
    def __init__(self, bins):
        self.bins = bins

    def features(self, images):
        """uint8 RGB (h, w, 3) of any sizes -> float32 (n, 3 * bins), each channel with sum 1."""
        return np.stack([self._one(image) for image in images]).astype(np.float32)

    def _one(self, image):
        channels = [np.histogram(image[..., c], self.bins, (0, 256))[0] for c in range(3)]
        return np.concatenate(channels) / image[..., 0].size


class ColourHistogram(Extractor):
    """Histograms of red, green and blue."""

    version = 1
    Params = Params
    label = "Histogram"  # Stands in column names: mean-gap-Histogram.
    backbone = "colour histogram"
    resize = "none"
    sha256 = "0" * 64  # There is no weight file.

    @property
    def dim(self):
        return 3 * self.params.bins

    def open(self, ctx):
        return Histogram(self.params.bins)
