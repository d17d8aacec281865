"""Skin lesions of the ISIC 2018 challenge, task 1."""

from __future__ import annotations

from bench.contracts import Dataset, Split
from bench.datasets._isic import IsicParams, isic_samples

FOLDERS = {
    split: (f"ISIC2018_Task1-2_{part}_Input", f"ISIC2018_Task1_{part}_GroundTruth")
    for split, part in {"train": "Training", "val": "Validation", "test/ISIC2018": "Test"}.items()
}


class Isic2018(Dataset):
    """ISIC 2018 task 1 in its official folders, below the given folder or its `isic2018/`."""

    version = 1
    cite = "Codella et al., Skin lesion analysis toward melanoma detection 2018, arXiv:1902.03368"
    stand_in = "phantom"
    origin = (
        "training, validation and test data and ground truth of task 1 (about 13 GB) from "
        "https://challenge.isic-archive.com/data/#2018"
    )
    expected = {"train": 2594, "val": 100, "test/ISIC2018": 1000}
    Params = IsicParams

    def splits(self) -> tuple[str, ...]:
        return tuple(FOLDERS)

    def samples(self, split: str) -> Split:
        return isic_samples(self, "isic2018", FOLDERS, split, "_segmentation")
