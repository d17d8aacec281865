"""Any folder of images and masks, split 3 : 1 : 1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Dataset, Split, param
from bench.data.group_split import divide, group_count
from bench.data.layout import Naming, SetFolder, read_set
from bench.data.manifest import Manifest
from bench.datasets._checks import NamedPairParams
from bench.errors import BenchError

SHARES = {"train": 3, "val": 1, "test/test": 1}


@dataclass(frozen=True)
class Params(NamedPairParams):
    """What may be set with --set dataset.folder.NAME."""

    prompt: str = param("A photo of a lesion.", "text condition of images without one in the manifest")
    split_seed: int = param(0, "which pairs go where", low=0)


class Folder(Dataset):
    """`images/` and `masks/` (or `image/`, `mask/`) of the given folder, split 3 : 1 : 1 into train, val and test.

    An optional `manifest.csv` with a column `id` (file stems) may give `group` (frames of one sequence, images of one
    patient: a group never straddles a split), `prompt`, and `split` (train, val or test: then nothing is drawn).
    """

    version = 1
    Params = Params

    def splits(self) -> tuple[str, ...]:
        return tuple(SHARES)

    def samples(self, split: str) -> Split:
        listed = self._listed()
        place = _given_splits(listed.manifest) or draw_splits(
            listed.samples, self.params.split_seed, listed.manifest.path
        )
        return tuple(sample for sample in listed.samples if place[sample.id] == split)

    def notes(self) -> tuple[str, ...]:
        return tuple(self._listed().manifest.notes())

    def _listed(self) -> SetFolder:
        p = self.params
        naming = Naming(p.image_suffix, p.mask_suffix)
        return read_set(self.root, f"--data {self.root}", naming, prompt=p.prompt, least=len(SHARES))


def draw_splits(pairs: Split, seed: int, manifest: Path) -> dict[str, str]:
    """Split by id, whole groups in one split.

    Raises BenchError that names the manifest, where the groups come from, when they are fewer than the splits.
    """
    if group_count(pairs) < len(SHARES):
        shares = ":".join(map(str, SHARES.values()))
        raise BenchError(f"{manifest}: {group_count(pairs)} group(s) cannot be split {shares}; name at least 3")
    return divide(pairs, SHARES, seed)


def _given_splits(manifest: Manifest) -> dict[str, str]:
    """Splits named in the manifest, or none. A group in two splits is refused."""
    path, rows = manifest.path, manifest.rows
    given = {name: row.get("split") or "" for name, row in rows.items()}
    if not any(given.values()):
        return {}
    names = {"train": "train", "val": "val", "test": "test/test"}
    wrong = sorted(name for name, split in given.items() if split not in names)
    if wrong:
        raise BenchError(f"{path}: id {wrong[0]}: split {given[wrong[0]]!r} is not train, val or test")
    of_group: dict[str, str] = {}
    for name, row in rows.items():
        group = row.get("group") or ""
        if group and of_group.setdefault(group, given[name]) != given[name]:
            raise BenchError(
                f"{path}: group {group} stands in {of_group[group]} and {given[name]}; keep it in one split"
            )
    return {name: names[split] for name, split in given.items()}
