"""Copy-paste: every real pair once more."""

from __future__ import annotations

from pathlib import Path

from bench.contracts import Context, Generator, Split
from generators._real_pairs import keep_masks, real_pair
from generators._write_pairs import write_pairs


class CopyPaste(Generator):
    """Every real training pair duplicated, nothing pasted: the paper's control for the doubled number of updates.

    Published recipes count epochs, so any synthetic set doubles a segmenter's updates; a gain must beat this row. Its
    FID and KID against the training images are those of a perfect copy. With random masks it still copies real pairs.
    """

    version = 2
    own_masks = True
    varies = ()
    repeats_real = True
    cite = "Qiu et al., Noise-Consistent Siamese-Diffusion, CVPR 2025, section 5.2"

    def fit(self, train: Split, model_dir: Path, ctx: Context) -> None:
        keep_masks(train, model_dir)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        write_pairs(conditions, out, ctx, lambda condition: real_pair(condition, model_dir))
