"""What is trained on real and synthetic pairs."""

from __future__ import annotations

from pathlib import Path

from bench.contracts.context import Context
from bench.contracts.dataset import Split
from bench.contracts.plugin import Plugin

TRAINING = "training.json"
"""File of a trained network that tells how it was trained."""


class Segmenter(Plugin):
    """A segmentation network with its training recipe."""

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context, select: Split = ()) -> None:
        """Train on `train` (with `val` only watched, never used to select) and leave the network in `model_dir`.

        The last epoch is kept. With `select`, the test images of a run that asks for the published way, it is the epoch
        with the best mean Dice on them. How many updates the optimiser made stands in `model_dir/training.json` under
        `updates`; a network without them leaves no such file.
        """
        raise NotImplementedError

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        """Write `out/<id>.png` for every sample: probability of lesion × 255, 8-bit grey, at the image's own size."""
        raise NotImplementedError
