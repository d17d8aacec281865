"""Skin lesions of the ISIC 2016 challenge, part 1."""

from __future__ import annotations

from bench.contracts import Dataset, Split
from bench.datasets._isic import IsicParams, isic_samples

FOLDERS = {
    split: (f"ISBI2016_ISIC_Part1_{part}_Data", f"ISBI2016_ISIC_Part1_{part}_GroundTruth")
    for split, part in {"train": "Training", "test/ISIC2016": "Test"}.items()
}


class Isic2016(Dataset):
    """ISIC 2016 part 1 in its official folders, below the given folder or its `isic2016/`."""

    version = 1
    cite = "Gutman et al., Skin lesion analysis toward melanoma detection, arXiv:1605.01397"
    stand_in = "phantom"
    origin = (
        "training and test data and ground truth of task 1 (about 0.8 GB) from "
        "https://challenge.isic-archive.com/data/#2016"
    )
    expected = {"train": 900, "test/ISIC2016": 379}
    Params = IsicParams

    def splits(self) -> tuple[str, ...]:
        return tuple(FOLDERS)

    def samples(self, split: str) -> Split:
        return isic_samples(self, "isic2016", FOLDERS, split, "_Segmentation")
