"""Every score of a probability map: its name, which tells its convention, its direction and how it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

HIGHER, LOWER = "higher", "lower"
DICE, IOU = "dice", "iou"


@dataclass(frozen=True, kw_only=True)
class Name:
    """`kind` says what it is made from: `map`, a histogram of each map, computed always; `shape`, where its pixels lie,
    computed when asked for; `counts` and `bins`, summed over a set. `meaning` is short enough for a line of a table.

    `overlap` and `two_class` say how counts become a score: Dice or IoU, of the lesion or of lesion and background.
    """

    name: str
    kind: str
    meaning: str
    better: str = HIGHER
    unit: str = ""
    overlap: str = ""
    two_class: bool = False

    @property
    def of_images(self) -> bool:
        """Whether each image has this score, and a set their mean."""
        return self.kind in ("map", "shape")

    @property
    def limits(self) -> tuple[float, float]:
        """What it can be: a share, unless it has a unit."""
        return (0.0, math.inf if self.unit else 1.0)


def _map(name: str, meaning: str, better: str = HIGHER) -> Name:
    return Name(name=name, kind="map", meaning=meaning, better=better)


def _shape(name: str, meaning: str, better: str = HIGHER, unit: str = "") -> Name:
    return Name(name=name, kind="shape", meaning=meaning, better=better, unit=unit)


def _counts(name: str, overlap: str, meaning: str, two_class: bool = False) -> Name:
    return Name(name=name, kind="counts", meaning=meaning, overlap=overlap, two_class=two_class)


_ALL = (
    _map("mdice@256", "Dice of the stretched map over 256 thresholds (PraNet), mean over images"),
    _map("miou@256", "IoU, the same"),
    _map("dice@0.5", "Dice at probability > 0.5, mean over images"),
    _map("iou@0.5", "IoU, the same"),
    _counts("dice@0.5-pooled", DICE, "Dice at 0.5 of the lesion, pixels summed over the set"),
    _counts("iou@0.5-pooled", IOU, "IoU, the same"),
    _counts("mdice@0.5-two-class", DICE, "mean Dice of lesion and background at 0.5, pixels summed over the set", True),
    _counts("miou@0.5-two-class", IOU, "IoU, the same", True),
    _shape("s-measure", "S-measure of the stretched map, mean over images"),
    _map("e-measure@256", "E-measure of the stretched map over 256 thresholds, mean over images"),
    _shape("weighted-f", "weighted F (beta 1) of the stretched map, mean over images"),
    _map("mae", "mean absolute error of the stretched map, mean over images", LOWER),
    _shape("hd95", "95 % Hausdorff distance of the outlines at 0.5, mean over images", LOWER, "px"),
    _shape("surface-dice@2px", "share of both outlines at 0.5 within 2 px of the other, mean over images"),
    _map("recall@0.5", "share of lesion found at 0.5, mean over images with a lesion"),
    Name(
        name="ece-pooled",
        kind="bins",
        meaning="calibration error of lesion probability, 15 bins, all pixels of the set",
        better=LOWER,
    ),
)


def _of(kind: str) -> tuple[str, ...]:
    return tuple(one.name for one in _ALL if one.kind == kind)


NAMES = {one.name: one for one in _ALL}
METRICS = tuple(NAMES)
PER_IMAGE = _of("map")
SHAPE = _of("shape")
COUNTS = ("tp", "fp", "fn", "tn")
"""Pixels at probability > 0.5."""
GAPS = tuple(f"gap-{number:02}" for number in range(1, 16))
"""Of each bin of probability: the sum of 255 x (probability - truth) over its pixels, a whole number."""


def better(metric: str) -> str:
    """`higher` or `lower`; a name of another version of the suite counts as `higher`, as all of them were."""
    return NAMES[metric].better if metric in NAMES else HIGHER


def limits(metric: str) -> tuple[float, float]:
    """The least and the largest that a score can be; a name of another version of the suite may be anything."""
    return NAMES[metric].limits if metric in NAMES else (-math.inf, math.inf)
