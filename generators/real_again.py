"""Real again: every real pair once more, losslessly encoded anew."""

from __future__ import annotations

import numpy as np

from bench.contracts import Must, Truth
from generators._changed_pairs import ChangedPairs
from generators._truths import ALIGNED, AT_FLOOR
from generators._write_pairs import Pair


class RealAgain(ChangedPairs):
    """Every real pair once more: equal pixels in new files. The A/A control: nothing may be claimed for it.

    It goes the way of any synthetic set, so that its row must equal that of the real pairs repeated; a difference would
    be made by the suite. Every distance to the training images is that of a perfect copy, and `copying` must find all.
    """

    version = 1
    varies = ()
    truths = (*AT_FLOOR, ALIGNED, Truth(must=Must.NO_CLAIM))

    def changed(self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
        return image, mask
