"""Which images belong together: those of one group (a patient, a video sequence). One without a group stands alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def group_names(groups: Sequence[str], ids: Iterable[object]) -> list[str]:
    """The group of each image; where that is empty, a name made from the image's id that no group bears."""
    return [group or f"\0{id}" for group, id in zip(groups, ids, strict=True)]


def clusters(groups: Sequence[str]) -> np.ndarray:
    """Cluster index of each image, int (n,): images of one non-empty group share it, the others stand alone."""
    return np.unique(group_names(groups, range(len(groups))), return_inverse=True)[1]
