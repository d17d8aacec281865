"""Copy-paste: every real pair once more."""

from __future__ import annotations

from pathlib import Path

from bench.contracts import Context, Generator, Split, unfinished
from bench.images import load_mask, load_rgb, save_png


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
        # The conditions may be transformed masks, which do not belong to the images: the real ones are kept here.
        for sample in train:
            save_png(model_dir / f"{sample.id}.png", load_mask(sample.mask) * 255)

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        left = unfinished(conditions, out)
        with ctx.progress.bar(len(conditions), "image", done=len(conditions) - len(left)) as bar:
            for sample in left:
                real_mask = model_dir / f"{sample.source or sample.id}.png"
                save_png(out / "masks" / f"{sample.id}.png", load_mask(real_mask) * 255)
                save_png(out / "images" / f"{sample.id}.png", load_rgb(sample.image))
                bar.update()
