"""A dataset with one folder for each case: ROOT/<case>/<frame>.png beside ROOT/<case>/<frame>_mask.png."""

from dataclasses import dataclass

from bench.contracts import Dataset, Sample, param
from bench.errors import BenchError

SPLIT_OF = ("train", "train", "train", "val", "test/test")
"""Of every five cases in a row."""


@dataclass(frozen=True)
class Params:
    prompt: str = param("A photo of a lesion.", "text condition of every image")


class CaseFolders(Dataset):
    """One folder for each case. Of five cases, sorted by name, three train, one validates and one tests."""

    version = 1
    Params = Params

    def splits(self):
        return ("train", "val", "test/test")

    def samples(self, split):
        cases = sorted(path for path in self.root.iterdir() if path.is_dir())
        if len(cases) < len(SPLIT_OF):
            raise BenchError(f"--data {self.root}: {len(cases)} case folders; add more, at least {len(SPLIT_OF)}")
        chosen = [case for number, case in enumerate(cases) if SPLIT_OF[number % 5] == split]
        found = [self._sample(case, mask) for case in chosen for mask in case.glob("*_mask.png")]
        return tuple(sorted(found, key=lambda sample: sample.id))

    def _sample(self, case, mask):
        """The case is the group: its frames never stand in two splits, and intervals resample it as one unit."""
        frame = mask.stem.removesuffix("_mask")
        return Sample(
            id=f"{case.name}-{frame}",
            image=case / f"{frame}.png",
            mask=mask,
            prompt=self.params.prompt,
            group=case.name,
        )
