"""Shuffled: real images with the masks of other images."""

from __future__ import annotations

from pathlib import Path

from bench.contracts import SAMPLE, Context, Generator, Must, Sample, Split, Truth
from bench.images import load_mask, load_rgb
from generators._real_pairs import keep_masks, partners, real_name
from generators._truths import BLIND_TO_MASKS
from generators._write_pairs import Pair, write_pairs


class Shuffled(Generator):
    """Every real image with the mask of another real image: the floor of everything that needs the masks.

    No image keeps its mask; the seed draws who gets whose, and a mask is brought to the image's size by nearest pixel.
    FID, KID and all that looks at images alone find the set perfect, which is why alignment exists: that must be at its
    floor, and Dice of networks must fall.
    """

    version = 1
    control = True
    own_masks = True
    varies = (SAMPLE,)
    truths = (
        Truth(metric="alignment", measure="alignment", must=Must.MISALIGNED, within=0.05),
        Truth(must=Must.HARM),
        *BLIND_TO_MASKS,
    )

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        keep_masks(train, model_dir)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        others = partners(conditions, ctx.seed)

        def make(condition: Sample) -> Pair:
            image = load_rgb(condition.image)
            mask = model_dir / f"{real_name(others[condition.id])}.png"
            return image, load_mask(mask, (image.shape[1], image.shape[0]))

        write_pairs(conditions, out, ctx, make)
