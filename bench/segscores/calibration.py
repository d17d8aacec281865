"""Whether a probability means what it says: pixels of probability 0.8 should be lesion in 8 cases of 10.

Expected calibration error (Naeini et al., AAAI 2015) of the lesion's probability, not of the likelier class, of the map
as it is: pixels are sorted into 15 bins of equal width, and the absolute difference between mean probability and share
of lesion pixels is averaged over bins by their pixels. The bins of all images of a set are pooled first, because the
error of one image is mostly that of its own bins being nearly empty; so large images count more. The maps have 256
levels: edges are the levels 17, 34 … 238, a level on an edge lies in the upper bin, and 255 in the last one. Of
hard maps it is the share of wrong pixels.
"""

from __future__ import annotations

import numpy as np

from bench.segscores.names import GAPS
from bench.segscores.tally import Tally

_LEVELS = np.arange(256)
_STARTS = 17 * np.arange(len(GAPS))


def gaps(seen: Tally) -> dict[str, int]:
    """Of each bin, the sum of 255 x (probability - truth): whole numbers, so that images add up exactly."""
    excess = seen.total * _LEVELS - 255 * seen.lesion
    return dict(zip(GAPS, np.add.reduceat(excess, _STARTS).tolist(), strict=True))


def calibration_error(summed: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """`summed` (r, 15): gaps of all images of a set, `pixels` (r,): their pixels -> error in [0, 1], (r,)."""
    return np.abs(summed).sum(1) / (255 * pixels)
