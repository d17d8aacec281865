"""JPEG: real images after a lossy compression, with their masks."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bench.contracts import param
from generators._changed_pairs import ChangedPairs
from generators._truths import FARTHER_WITH_DOSE
from generators._write_pairs import Pair


@dataclass(frozen=True)
class Params:
    """The dose: `jpeg:30`."""

    quality: int = param(30, "of the compression: the lower, the more is lost", low=1, high=100)


class Jpeg(ChangedPairs):
    """Real images saved as JPEG and read again, with their own masks. Distances of sets must grow as quality falls."""

    version = 1
    varies = ()
    argument = "quality"
    Params = Params
    doses = ("75", "30", "10")
    truths = FARTHER_WITH_DOSE

    def changed(self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
        saved = io.BytesIO()
        Image.fromarray(image).save(saved, format="JPEG", quality=self.params.quality)
        with Image.open(saved, formats=("JPEG",)) as read:
            return np.asarray(read.convert("RGB")), mask
