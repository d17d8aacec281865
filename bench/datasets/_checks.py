"""What the datasets that read the user's files share: where they lie, and how they may be named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.contracts import param


@dataclass(frozen=True)
class PairParams:
    """What may differ from set to set."""

    allow_empty_masks: bool = param(False, "accept masks without lesion")


@dataclass(frozen=True)
class NamedPairParams(PairParams):
    """Of layouts in which everybody names files as he likes."""

    image_suffix: str = param("", "ending of the images' names only, for example _0000")
    mask_suffix: str = param("", "ending of the masks' names only, for example _segmentation")


def below(root: Path, name: str, inside: str) -> Path:
    """`root` itself when it holds `inside`, else `root/name`: users give either."""
    return root if (root / inside).exists() else root / name
