"""What the two ISIC segmentation challenges share: flat folders and masks named after their image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Dataset, Split, param
from bench.data.layout import match
from bench.datasets._checks import PairParams, below
from bench.errors import BenchError


@dataclass(frozen=True)
class IsicParams(PairParams):
    """Of both challenges."""

    prompt: str = param("A photo of a skin lesion.", "text condition of every image; ours, none is published")


def isic_samples(
    dataset: Dataset, name: str, folders: Mapping[str, tuple[str, str]], split: str, mask_suffix: str
) -> Split:
    """The pairs of a split; empty when it is not there, BenchError when the training images are not."""
    images, masks = folders[split]
    root: Path = below(dataset.root, name, folders["train"][0])
    if not (root / images).is_dir():
        if split == "train":
            raise BenchError(
                f"--data {dataset.root}: neither {images} nor {name}/{images} is in it; "
                "give the folder that holds one of them"
            )
        return ()
    return match(root / images, root / masks, dataset.params.prompt, mask_suffix=mask_suffix)
