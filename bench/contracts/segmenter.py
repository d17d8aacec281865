"""What is trained on real and synthetic pairs."""

from __future__ import annotations

from pathlib import Path

from bench.contracts.context import Context
from bench.contracts.dataset import Split
from bench.contracts.plugin import Plugin


class Segmenter(Plugin):
    """A segmentation network with its training recipe."""

    def fit(self, train: Split, val: Split, model_dir: Path, ctx: Context) -> None:
        """Train on `train` (with `val` only watched, never used to select) and leave the network in `model_dir`."""
        raise NotImplementedError

    def predict(self, samples: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        """Write `out/<id>.png` for every sample: probability of lesion × 255, 8-bit grey, at the image's own size."""
        raise NotImplementedError
