"""Lesion paste: a real lesion blended into another real image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.contracts import SAMPLE, Context, Generator, Sample, Split, param
from bench.images import load_mask, load_rgb
from generators._poisson import blended
from generators._real_pairs import keep_masks, partners, real_name, real_pair
from generators._write_pairs import Pair, own_rng, write_pairs


@dataclass(frozen=True)
class Params:
    """How much of its surroundings a lesion takes with it."""

    margin: float = param(0.02, "round the lesion that is pasted too, as a share of the shorter side", low=0, high=0.5)


class LesionPaste(Generator):
    """A real lesion pasted into another real image by Poisson blending: the cheap baseline a generator must beat.

    Each real image receives the lesion of another one, which is brought to the same size and flipped along each axis
    with a chance of 1/2; the seed draws all that. The lesion keeps its texture, and its colour follows the new
    surroundings. The mask is that of the pasted lesion and of what was there before and still shows. Nothing is
    trained. It is no control: it is ranked as any generator.
    """

    version = 1
    own_masks = True
    varies = (SAMPLE,)
    requires = ("scipy",)
    cite = "Pérez et al., Poisson Image Editing, SIGGRAPH 2003"
    Params = Params

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        keep_masks(train, model_dir)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        others = partners(conditions, ctx.seed)

        def make(condition: Sample) -> Pair:
            image, own = real_pair(condition, model_dir)
            size, other = (image.shape[1], image.shape[0]), others[condition.id]
            flip = tuple(slice(None, None, step) for step in own_rng(ctx, condition).choice((1, -1), 2))
            lesion = load_mask(model_dir / f"{real_name(other)}.png", size)[flip]
            region = near(lesion, self.params.margin * min(size))
            return blended(load_rgb(other.image, size)[flip], image, region), own | lesion

        write_pairs(conditions, out, ctx, make)


def near(lesion: np.ndarray, distance: float) -> np.ndarray:
    """bool (h, w): pixels of the lesion and those at most `distance` px away from it."""
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(lesion == 0) <= distance if lesion.any() else lesion > 0
