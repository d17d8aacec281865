"""Maps and masks on disk -> one row of scores an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.contracts import Progress, Quiet, Split
from bench.errors import BenchError
from bench.images import load_grey, load_mask
from bench.segscores.calibration import gaps
from bench.segscores.half import half_scores
from bench.segscores.names import COUNTS, GAPS, PER_IMAGE
from bench.segscores.shape import require, shape_scores
from bench.segscores.stretched import stretched_scores
from bench.segscores.tally import tally

SCORES_FILE = "per_image.csv"
"""A row an image, in the folder of a `segscore` stage."""
_ORDER = (*PER_IMAGE, *COUNTS, *GAPS)


def image_scores(prob: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """All that one histogram tells: PER_IMAGE, COUNTS and GAPS. Raises ValueError when the shapes differ."""
    seen = tally(prob, truth)
    found = {**stretched_scores(seen), **half_scores(seen), **gaps(seen)}
    return {name: found[name] for name in _ORDER}


def score_folder(samples: Split, folder: Path, shape: bool = False) -> list[dict[str, Any]]:
    """Maps that a segmenter wrote, `folder/<id>.png`."""
    return score_maps(samples, [folder / f"{sample.id}.png" for sample in samples], shape)


def score_maps(
    samples: Split, maps: Sequence[Path], shape: bool = False, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """One row an image: id, group, scores, counts; with `shape` those of SHAPE too.

    BenchError names a missing map, one of another size, and a package that `shape` lacks.
    """
    if shape:
        require()
    rows = []
    with (progress or Quiet()).bar(len(samples), "map") as bar:
        for sample, path in zip(samples, maps, strict=True):
            prob, truth = load_grey(path), load_mask(sample.mask)
            try:
                scores = image_scores(prob, truth)
            except ValueError as error:
                raise BenchError(f"{path}: {error}; predict at the image's own size") from None
            shaped = shape_scores(prob, truth) if shape else {}
            rows.append({"id": sample.id, "group": sample.group, **scores, **shaped})
            bar.update()
    return rows
