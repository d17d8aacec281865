"""Every score of a probability map: its name, which tells its convention, its direction and how it is made."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

HIGHER, LOWER = "higher", "lower"


@dataclass(frozen=True)
class Name:
    """`kind` says what it is made from: `map`, a histogram of each map, computed always; `shape`, where its pixels lie,
    computed when asked for; `counts` and `bins`, summed over a set. `meaning` is short enough for a line of a table.
    """

    name: str
    kind: str
    meaning: str
    _: KW_ONLY
    better: str = HIGHER
    unit: str = ""


_ALL = (
    Name("mdice@256", "map", "Dice of the stretched map over 256 thresholds (PraNet), mean over images"),
    Name("miou@256", "map", "IoU, the same"),
    Name("dice@0.5", "map", "Dice at probability > 0.5, mean over images"),
    Name("iou@0.5", "map", "IoU, the same"),
    Name("dice@0.5-pooled", "counts", "Dice at 0.5 of the lesion, pixels summed over the set"),
    Name("iou@0.5-pooled", "counts", "IoU, the same"),
    Name("mdice@0.5-two-class", "counts", "mean Dice of lesion and background at 0.5, pixels summed over the set"),
    Name("miou@0.5-two-class", "counts", "IoU, the same"),
    Name("s-measure", "shape", "S-measure of the stretched map, mean over images"),
    Name("e-measure@256", "map", "E-measure of the stretched map over 256 thresholds, mean over images"),
    Name("weighted-f", "shape", "weighted F (beta 1) of the stretched map, mean over images"),
    Name("mae", "map", "mean absolute error of the stretched map, mean over images", better=LOWER),
    Name("hd95", "shape", "95 % Hausdorff distance of the outlines at 0.5, mean over images", better=LOWER, unit="px"),
    Name("surface-dice@2px", "shape", "share of both outlines at 0.5 within 2 px of the other, mean over images"),
    Name("recall@0.5", "map", "share of lesion found at 0.5, mean over images with a lesion"),
    Name("ece-pooled", "bins", "calibration error of lesion probability, 15 bins, all pixels of the set", better=LOWER),
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
