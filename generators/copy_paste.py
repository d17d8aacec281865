"""Copy-paste: every real pair once more."""

from __future__ import annotations

from pathlib import Path

from bench.contracts import Context, Generator, Split
from bench.images import load_mask, load_rgb, save_png


class CopyPaste(Generator):
    """Every real training pair duplicated, nothing pasted: the paper's control for the doubled number of updates.

    Published recipes count epochs, so any synthetic set doubles a segmenter's updates; a gain must beat this row. Its
    FID and KID against the training images are those of a perfect copy. With random masks it still copies real pairs.
    """

    version = 1
    own_masks = True
    cite = "Qiu et al., Noise-Consistent Siamese-Diffusion, CVPR 2025, section 5.2"

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        with ctx.progress.bar(len(conditions), "image") as bar:
            for sample in conditions:
                # The real mask lies beside the real image even when the condition was transformed.
                save_png(out / "masks" / f"{sample.id}.png", load_mask(sample.mask) * 255)
                save_png(out / "images" / f"{sample.id}.png", load_rgb(sample.image))
                bar.update()
