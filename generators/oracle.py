"""Oracle: a fresh phantom scene for each mask, drawn as the training scenes were."""

from __future__ import annotations

from pathlib import Path

from bench.contracts import SAMPLE, Context, Generator, Must, Split, Truth
from bench.data.scene import Domain
from bench.images import load_mask
from generators._scenes import PHANTOM, scene_for
from generators._truths import ALIGNED, AT_FLOOR, NO_COPIES
from generators._write_pairs import own_rng, write_images


class Oracle(Generator):
    """A fresh scene for each mask from the very domain of the phantom's training scenes: a perfect generator.

    Wall, light, vessels, highlights and colours are drawn anew; the lesion fills the given mask and bulges as a dome
    made from the distance to its border. Every measure of the set must be at its floor, alignment at its ceiling,
    `copying` at what fresh images have, and its row must gain as much as as many real images. Only on dataset phantom,
    whose truth is known.
    """

    version = 1
    control = True
    varies = (SAMPLE,)
    truths = (*AT_FLOOR, NO_COPIES, ALIGNED, Truth(must=Must.NOT_HARM))
    requires = ("scipy",)

    def only_on(self) -> tuple[str, ...]:
        return (PHANTOM,)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        write_images(conditions, out, ctx, lambda one: scene_for(load_mask(one.mask), own_rng(ctx, one), Domain()))
