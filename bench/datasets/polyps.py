"""Polyps in colonoscopy, in the folder layout of PraNet."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Dataset, Split, param
from bench.data.layout import IMAGES, MASKS, first_folder, match
from bench.datasets._checks import NamedPairParams, below
from bench.errors import BenchError

TEST_FOLDER = "TestDataset"
TESTS = ("CVC-300", "CVC-ClinicDB", "CVC-ColonDB", "ETIS-LaribPolypDB", "Kvasir")

CLINICDB_SEQUENCE_ENDS = (
    25, 50, 67, 78, 103, 126, 151, 177, 199, 205, 227, 252, 277, 297, 317, 342, 363, 383, 408, 428, 447, 466, 478, 503,
    528, 546, 571, 591, 612,
)  # fmt: skip
"""Last frame of each of CVC-ClinicDB's 29 video sequences (Bernal et al., CMIG 2015)."""


def clinicdb_group(stem: str) -> str:
    """The video sequence of a CVC-ClinicDB frame (a number); empty for every other name."""
    if not stem.isdigit() or not 1 <= int(stem) <= CLINICDB_SEQUENCE_ENDS[-1]:
        return ""
    return f"clinicdb-{bisect_left(CLINICDB_SEQUENCE_ENDS, int(stem)) + 1:02d}"


@dataclass(frozen=True)
class Params(NamedPairParams):
    """What may be set with --set dataset.polyps.NAME."""

    prompt: str = param("A photo of a polyp.", "text condition of every image")


class Polyps(Dataset):
    """Kvasir-SEG and CVC-ClinicDB for training, five test sets, split and laid out as PraNet published them.

    `TrainDataset/{image|images,mask|masks}` and `TestDataset/<set>/{images,masks}`, below the given folder or its
    `polyps/`. Frames of CVC-ClinicDB are grouped by video sequence. A test set that is not there is absent.
    """

    version = 1
    cite = "Fan et al., PraNet, MICCAI 2020; Jha et al., Kvasir-SEG, MMM 2020; Bernal et al., CVC-ClinicDB, CMIG 2015"
    stand_in = "phantom"
    origin = (
        "PraNet's TrainDataset.zip (about 0.4 GB) and TestDataset.zip (about 0.3 GB), linked from "
        "https://github.com/DengPingFan/PraNet (Google Drive)"
    )
    expected = {
        "train": 1450,
        "test/CVC-300": 60,
        "test/CVC-ClinicDB": 62,
        "test/CVC-ColonDB": 380,
        "test/ETIS-LaribPolypDB": 196,
        "test/Kvasir": 100,
    }
    Params = Params

    def splits(self) -> tuple[str, ...]:
        return ("train", *(f"test/{name}" for name in TESTS))

    def samples(self, split: str) -> Split:
        root = self._below()
        folder = root / "TrainDataset" if split == "train" else root / TEST_FOLDER / split.removeprefix("test/")
        if not folder.is_dir():
            if split == "train":
                raise BenchError(
                    f"--data {self.root}: neither TrainDataset nor polyps/TrainDataset is in it; "
                    "give the folder that holds one of them"
                )
            return ()
        images, masks = first_folder(folder, IMAGES), first_folder(folder, MASKS)
        if images is None or masks is None:
            raise BenchError(f"{folder}: must hold image(s)/ and mask(s)/; add or rename them")
        named = split in ("train", "test/CVC-ClinicDB")
        p, group = self.params, clinicdb_group if named else lambda _: ""
        return match(images, masks, p.prompt, group, image_suffix=p.image_suffix, mask_suffix=p.mask_suffix)

    def notes(self) -> tuple[str, ...]:
        folder = self._below() / TEST_FOLDER
        unknown = sorted(path.name for path in folder.glob("*/") if path.is_dir() and path.name not in TESTS)
        return (f"left out of {folder}: no test set of this dataset: {', '.join(unknown)}",) if unknown else ()

    def _below(self) -> Path:
        return below(self.root, "polyps", "TrainDataset")
