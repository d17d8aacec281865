"""Held-out: the real training pairs that --fraction leaves out, as if a generator had made them."""

from __future__ import annotations

from pathlib import Path

from bench.contracts import Context, Generator, Must, Split, Truth
from bench.images import load_rgb
from generators._truths import ALIGNED, AT_FLOOR, NO_COPIES
from generators._write_pairs import write_images


class HeldOut(Generator):
    """The real training pairs that no generator and no network of this run has seen: the ceiling of any generator.

    A generator that is trained on the same fraction cannot do better than to add real pairs of the same source. Its set
    has as many pairs as `--fraction` leaves out, each once, pixel for pixel. Its measures are what a set of real images
    has; its worth in real images must come out as its own number of pairs.
    """

    version = 1
    control = True
    varies = ()
    truths = (*AT_FLOOR, NO_COPIES, ALIGNED, Truth(must=Must.BEST))

    def takes_unused(self) -> bool:
        return True

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        write_images(conditions, out, ctx, lambda pair: load_rgb(pair.image))
