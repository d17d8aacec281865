"""Mode: a few real pairs again and again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.contracts import SAMPLE, Context, Generator, Must, Sample, Split, Truth, param
from generators._real_pairs import distinct, keep_masks, real_pair
from generators._write_pairs import Pair, write_pairs


@dataclass(frozen=True)
class Params:
    """The dose: `mode:5`."""

    images: int = param(3, "distinct real pairs in the set; all, where there are no more", low=1)


class Mode(Generator):
    """A few real pairs, drawn by the seed and repeated until there are as many as conditions: collapsed variety.

    Recall, coverage and Vendi must fall with the dose while precision stays; every image is a copy.
    """

    version = 1
    control = True
    own_masks = True
    varies = (SAMPLE,)
    argument = "images"
    Params = Params
    doses = ("20", "10", "5")
    truths = (
        Truth(metric="prdc", measure="recall", must=Must.WORSEN),
        Truth(metric="prdc", measure="coverage", must=Must.WORSEN),
        Truth(metric="vendi", measure="Vendi2-ratio", must=Must.WORSEN),
        Truth(metric="prdc", measure="precision", must=Must.FLOOR),
    )

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        keep_masks(train, model_dir)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        pairs = list(distinct(conditions).values())
        drawn = np.random.default_rng(ctx.seed).permutation(len(pairs))[: self.params.images]
        shown = {one.id: pairs[drawn[at % len(drawn)]] for at, one in enumerate(conditions)}

        def make(condition: Sample) -> Pair:
            return real_pair(shown[condition.id], model_dir)

        write_pairs(conditions, out, ctx, make)
