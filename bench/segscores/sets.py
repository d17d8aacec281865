"""Rows of a set's images -> the set's scores, plain or resampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.data.lesion_size import NAMES as THIRDS
from bench.data.lesion_size import terciles
from bench.segscores.calibration import calibration_error
from bench.segscores.half import overlap_of
from bench.segscores.names import COUNTS, GAPS, METRICS, NAMES, PER_IMAGE, SHAPE

Columns = Mapping[str, np.ndarray]

IN_THIRDS = ("recall@0.5",)


@dataclass(frozen=True, eq=False)
class Reading:
    """A score of a set, over the images `over`, bool (n,): those in which it is defined, or a third of them.

    `stratum` is the third's name, empty for all; `note` gives its bounds.
    """

    metric: str
    over: np.ndarray
    stratum: str = ""
    note: str = ""

    @property
    def n(self) -> int:
        """Images it is over."""
        return int(self.over.sum())

    def of(self, columns: Columns, weights: np.ndarray) -> np.ndarray:
        """The score under each row of `weights` (r, n); nan for a row without any of its images."""
        return aggregate(columns, self.metric, weights * self.over if self.stratum else weights)

    def resampled(self, columns: Columns, draws: np.ndarray) -> np.ndarray:
        """The score under a bootstrap's draws (r, n), for a percentile interval.

        A mean of absolute values grows with whatever noise is added, and a bootstrap adds it twice: in 60 images the
        percentile interval of a small calibration error covers it one time in four. Its draws are therefore mirrored at
        the score (the basic bootstrap), which takes that bias off and covers it nine times in ten; none falls below 0.
        """
        drawn = self.of(columns, draws)
        if NAMES[self.metric].kind != "bins":
            return drawn
        score = self.of(columns, np.ones((1, draws.shape[1])))
        return np.maximum(2 * score - drawn, 0)


def as_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Rows of one set -> float64 columns of the scores and counts they have: older records have fewer."""
    known = [name for name in (*PER_IMAGE, *SHAPE, *COUNTS, *GAPS) if name in rows[0]]
    return {name: np.array([float(row[name]) for row in rows]) for name in known}


def aggregate(columns: Columns, metric: str, weights: np.ndarray) -> np.ndarray:
    """The set's score under each row of `weights` (r, n): mean of a per-image score, or ratio of summed counts.

    A row of ones is the plain score; a bootstrap passes how often each image was drawn, and so draws counts and bins
    of whole images. An image in which a score is not defined plays no part in it.
    """
    name = NAMES[metric]
    if name.of_images:
        return _mean(columns[metric], weights)
    tp, fp, fn, tn = (weights @ columns[name] for name in COUNTS)
    if name.kind == "bins":
        return calibration_error(weights @ np.stack([columns[name] for name in GAPS], 1), tp + fp + fn + tn)
    lesion, background = (overlap_of(name.overlap, hit, fp, fn) for hit in (tp, tn))
    return (lesion + background) / 2 if name.two_class else lesion


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    defined = np.isfinite(values)
    if not defined.all():
        values, weights = values[defined], weights[:, defined]
    total = weights.sum(1)
    return np.divide(weights @ values, total, out=np.full(len(weights), np.nan), where=total > 0)


def readings(columns: Columns) -> list[Reading]:
    """What these columns tell, in the order of METRICS; recall also within thirds by lesion size."""
    found = []
    for metric in METRICS:
        over = _defined(columns, metric)
        if over.any():
            found.append(Reading(metric, over))
            found += _thirds(columns, metric) if metric in IN_THIRDS else []
    return found


def _defined(columns: Columns, metric: str) -> np.ndarray:
    """Images in which a score is defined; none where its columns are absent."""
    name, every = NAMES[metric], np.full(len(columns["tp"]), True)
    if name.of_images:
        return np.isfinite(columns[metric]) if metric in columns else ~every
    return every if name.kind == "counts" or GAPS[0] in columns else ~every


def _thirds(columns: Columns, metric: str) -> list[Reading]:
    """Thirds by lesion size, bounded by this set's own masks; none where no mask has a lesion."""
    lesion = columns["tp"] + columns["fn"]
    share = lesion / (lesion + columns["fp"] + columns["tn"])
    bounds = terciles(share)
    if bounds is None:
        return []
    place, low, high = bounds.third(share), f"{bounds.low:.2%}", f"{bounds.high:.2%}"
    ranges = (f"up to {low}", f"{low} to {high}", f"above {high}")
    thirds = [
        Reading(metric, place == at, name, f"lesion {within} of the image: terciles of this set's masks")
        for at, (name, within) in enumerate(zip(THIRDS, ranges, strict=True))
    ]
    return [third for third in thirds if third.n]
