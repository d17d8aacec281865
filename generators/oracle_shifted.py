"""Oracle of a shifted domain: fresh phantom scenes of another hue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.contracts import SAMPLE, Context, Generator, Split, param
from bench.data.scene import Domain
from bench.images import load_mask
from generators._scenes import PHANTOM, scene_for
from generators._truths import FARTHER_WITH_DOSE
from generators._write_pairs import own_rng, write_images


@dataclass(frozen=True)
class Params:
    """The dose: `oracle-shifted:0.5`."""

    hue: float = param(1.0, "shift of the mucosa's hue; 0: the training scenes', 1: test set palette's", low=-4, high=4)


class OracleShifted(Generator):
    """Fresh scenes for the masks, as `oracle`, but of another hue: right masks, wrong domain.

    Distances of sets must grow with the dose. Its row must gain on test scenes of that hue (`palette`) rather than on
    those of the training domain (`same`). Only on dataset phantom.
    """

    version = 1
    control = True
    varies = (SAMPLE,)
    requires = ("scipy",)
    argument = "hue"
    Params = Params
    doses = ("0.5", "1", "2")
    truths = FARTHER_WITH_DOSE

    def only_on(self) -> tuple[str, ...]:
        return (PHANTOM,)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        domain = Domain(hue=self.params.hue)
        write_images(conditions, out, ctx, lambda one: scene_for(load_mask(one.mask), own_rng(ctx, one), domain))
