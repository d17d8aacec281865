"""Scores that look at where pixels lie: S-measure and weighted F by pysodmetrics, distances of outlines by MONAI.

They cost tens of times what the others do, so they are computed when asked for. Of an empty mask the S-measure is 1
less the map's mean and weighted F is 0; outlines at probability 0.5 both empty agree (0 px, surface Dice 1), and one
that is empty misses by the image's diagonal (surface Dice 0): no image drops out, as it would to the gain of networks
that find nothing. One does: a lesion in the last row or column of pixels alone has no S-measure in the library.
"""

from __future__ import annotations

import math
import warnings
from importlib.util import find_spec

import numpy as np

from bench.errors import BenchError
from bench.segscores.half import CUT

PACKAGES = {"py_sod_metrics": "pysodmetrics", "monai": "monai"}
"""What is imported, and what pip calls it."""
TOLERANCE = 2.0
"""Pixels of the test image by which an outline may be off."""


def missing() -> list[str]:
    """What must be installed first, one line each."""
    return [
        f"package {name}, which the scores of shape need: pip install {name}"
        for module, name in PACKAGES.items()
        if find_spec(module) is None
    ]


def require() -> None:
    """BenchError names the first package that is missing."""
    for line in missing():
        raise BenchError(line)


def shape_scores(prob: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """`s-measure`, `weighted-f`, `hd95` (pixels) and `surface-dice@2px` of one image; arguments as in `tally`."""
    return {**_saliency(prob, truth), **_outlines(prob >= CUT, truth.astype(bool))}


def _saliency(prob: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The library stretches the map itself, and takes a mask in {0, 255}."""
    from py_sod_metrics import Smeasure, WeightedFmeasure

    structure, weighted = Smeasure(), WeightedFmeasure()
    mask = truth.astype(np.uint8) * 255
    # Of such a lesion a quarter of the image is empty, and its mean no number.
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        structure.step(prob, mask)
    weighted.step(prob, mask)
    return {
        "s-measure": float(structure.get_results()["sm"]),
        "weighted-f": float(weighted.get_results()["wfm"]),
    }


def _outlines(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """An outline is the pixels of a region that have a neighbour (of four) outside it, or lie at the image's edge."""
    empty = not found.any(), not truth.any()
    if all(empty):
        return {"hd95": 0.0, "surface-dice@2px": 1.0}
    if any(empty):
        return {"hd95": math.hypot(*truth.shape), "surface-dice@2px": 0.0}
    import torch
    from monai.metrics import compute_hausdorff_distance, compute_surface_dice

    ours, theirs = (torch.from_numpy(region[None, None]) for region in (found, truth))
    with warnings.catch_warnings():
        # The library warns of an option that it gives to itself.
        warnings.simplefilter("ignore", FutureWarning)
        far = compute_hausdorff_distance(ours, theirs, include_background=True, percentile=95)
        near = compute_surface_dice(ours, theirs, [TOLERANCE], include_background=True)
    return {"hd95": float(far), "surface-dice@2px": float(near)}
