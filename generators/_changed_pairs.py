"""Controls that change each real pair by itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.contracts import Context, Generator, Sample, Split, param
from generators._real_pairs import keep_masks, real_pair
from generators._write_pairs import Pair, own_rng, write_pairs


class ChangedPairs(Generator):
    """Every real pair once more, changed as `changed` says. With random masks it still changes the real pairs."""

    control = True
    own_masks = True

    def changed(self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
        """uint8 image (h, w, 3) and mask (h, w) in {0, 1} -> the same, of equal size."""
        raise NotImplementedError

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        keep_masks(train, model_dir)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        def make(condition: Sample) -> Pair:
            return self.changed(*real_pair(condition, model_dir), own_rng(ctx, condition))

        write_pairs(conditions, out, ctx, make)


@dataclass(frozen=True)
class PixelParams:
    """Of controls with a dose in pixels."""

    side: int = param(0, "shorter side at which px count, whatever an image's own; 0: its own", unit="px", low=0)


def in_own_pixels(length: float, side: int, image: np.ndarray) -> float:
    """A length in px at a shorter side of `side`, in px of an image (h, w, …)."""
    return length * min(image.shape[:2]) / side if side else length
