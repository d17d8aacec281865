"""What the datasets that read the user's files share: where they lie, and whether they can be used."""

from __future__ import annotations

from pathlib import Path

from bench.contracts import Split
from bench.errors import BenchError
from bench.images import ZERO_AND_ONE, load_grey, load_mask, load_rgb


def below(root: Path, name: str, inside: str) -> Path:
    """`root` itself when it holds `inside`, else `root/name`: users give either."""
    return root if (root / inside).exists() else root / name


def check(samples: Split, allow_empty_masks: bool) -> None:
    """Decode every pair. BenchError names the first unreadable file, unequal size or mask without foreground."""
    for sample in samples:
        image, mask = load_rgb(sample.image), load_mask(sample.mask)
        if image.shape[:2] != mask.shape:
            sizes = f"{image.shape[1]}x{image.shape[0]} and {mask.shape[1]}x{mask.shape[0]}"
            raise BenchError(f"{sample.image} and {sample.mask} differ in size ({sizes}); bring both to one size")
        if not allow_empty_masks and not mask.any():
            raise BenchError(f"{sample.mask}: no foreground; {_remedy(int(load_grey(sample.mask).max()))}")


def _remedy(brightest: int) -> str:
    if brightest == 1:
        return ZERO_AND_ONE
    return "no pixel is above 127: remove the pair, or allow it with --set dataset.NAME.allow_empty_masks=true"
