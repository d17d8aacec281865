"""Planted: a good set in which a known share of the images are copies of training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image

from bench.contracts import SAMPLE, Context, Generator, Must, Sample, Split, Truth, param
from bench.data.scene import Domain
from bench.files.atomic import replacing
from bench.images import load_mask, load_rgb, save_png
from generators._real_pairs import kept_mask
from generators._scenes import PHANTOM, scene_for
from generators._write_pairs import Pair, own_rng, write_pairs

ORACLE, HELD_OUT = "oracle", "held-out"


@dataclass(frozen=True)
class Params:
    """The dose, `planted:10`, and what the copies stand among."""

    percent: float = param(10.0, "copies in the set", unit="%", low=0, high=100)
    into: str = param(ORACLE, "the other images; on other data than phantom: held-out", choices=(ORACLE, HELD_OUT))
    quality: int = param(75, "of the copies' JPEG compression", low=1, high=100)


class Planted(Generator):
    """Flipped training images, saved as JPEG, among images that are no copies: `copying` must find their share.

    The others are fresh scenes of the phantom's training domain for the real masks (as `oracle`), or the real pairs
    that `--fraction` leaves out (as `held-out`), whose number is then that of the set. Exactly the given share, rounded
    to whole images, is replaced by copies, each with its flipped mask; the seed draws which, and of which images.
    """

    version = 1
    control = True
    own_masks = True
    varies = (SAMPLE,)
    requires = ("scipy",)
    argument = "percent"
    Params = Params
    doses = ("10", "30")
    truths = (Truth(metric="copying", measure="copied", must=Must.DOSE, within=0.03),)

    @classmethod
    def follow(cls, others: Sequence[Generator], dataset: str) -> dict[str, str]:  # noqa: ARG003
        return {} if dataset == PHANTOM else {"into": HELD_OUT}

    def only_on(self) -> tuple[str, ...]:
        return (PHANTOM,) if self.params.into == ORACLE else ()

    def takes_unused(self) -> bool:
        return bool(self.params.into == HELD_OUT)

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        for pair in train:
            with replacing(model_dir / f"{pair.id}.jpg") as part:
                image = Image.fromarray(np.ascontiguousarray(load_rgb(pair.image)[:, ::-1]))
                image.save(part, format="JPEG", quality=self.params.quality)
            save_png(model_dir / f"{pair.id}.png", load_mask(pair.mask) * 255)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        copies = self._copies(conditions, model_dir, ctx.seed)

        def make(condition: Sample) -> Pair:
            if condition.id in copies:
                copy = copies[condition.id]
                return load_rgb(copy), load_mask(copy.with_suffix(".png"))[:, ::-1]
            if self.takes_unused():
                return load_rgb(condition.image), load_mask(condition.mask)
            mask = kept_mask(condition, model_dir)
            return scene_for(mask, own_rng(ctx, condition), Domain()), mask

        write_pairs(conditions, out, ctx, make)

    def _copies(self, conditions: Split, model_dir: Path, seed: int) -> dict[str, Path]:
        """By id of the condition in whose place it stands; no image is copied twice before all have been once."""
        rng = np.random.default_rng(seed)
        count = round(len(conditions) * self.params.percent / 100)
        places = rng.permutation(len(conditions))[:count]
        originals = sorted(model_dir.glob("*.jpg"))
        order = cycle(rng.permutation(len(originals)).tolist())
        return {conditions[at].id: originals[next(order)] for at in places}
