"""Image–mask pairs, and who says which exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bench.contracts.context import Context
from bench.contracts.plugin import Plugin

TRAIN = "train"
UNUSED = "unused"
"""The real training pairs that `--fraction` leaves out: no generator and no segmenter learns from them."""
NO_MASK = Path()


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One image–mask pair on disk.

    `mask` is grey of 0 and 255; lesion is > 127 (see `bench.images.load_mask`). Samples of one `group` (frames of a
    video sequence, images of a patient) are not independent; an empty group means the sample stands alone. A condition
    that repeats another under an id of its own names it in `source`; one whose mask was `moved` is followed by no real
    image, not even by that of its id. `mask` is `NO_MASK` only in sets that are merely
    looked at.
    """

    id: str
    image: Path
    mask: Path
    prompt: str = ""
    group: str = ""
    source: str = ""
    moved: bool = False

    @property
    def has_mask(self) -> bool:
        """False only in sets that are merely looked at."""
        return self.mask != NO_MASK

    @property
    def condition(self) -> str:
        """Id of the mask it was made from: several samples of one mask share it."""
        name = self.source or self.id
        return f"{name}, moved" if self.moved else name


Split = tuple[Sample, ...]


class Dataset(Plugin):
    """Says which image–mask pairs exist. Never resizes and never changes a pixel of the user's files.

    The engine opens every pair once and refuses what is no mask; a mask without lesion it takes only where `Params` has
    a true `allow_empty_masks`.
    """

    declares = ("version", "splits", "samples")
    generated: ClassVar[bool] = False
    """True when `build` makes the files; then `root` is a folder of the store."""
    stand_in: ClassVar[str] = ""
    """The generated dataset that takes its place when the user has given no data folder."""
    origin: ClassVar[str] = ""
    """What a user without the data must fetch, how big it is and where it is; empty: the data are his own."""
    expected: ClassVar[Mapping[str, int]] = {}
    """Published number of pairs by split; another count is a warning."""

    def __init__(self, params: Any, root: Path) -> None:
        super().__init__(params)
        self.root = root

    def build(self, out: Path, ctx: Context) -> None:
        """Make the files below `out` (only when `generated`)."""

    def splits(self) -> tuple[str, ...]:
        """Every split the dataset can have: `train`, `val` where there is one, `test/<name>` …"""
        raise NotImplementedError

    def samples(self, split: str) -> Split:
        """Pairs of a split, sorted by id; empty when the split is absent. Matches names only, opens no image."""
        raise NotImplementedError
