"""Any folder of images and masks, split 3 : 1 : 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contracts import Dataset, Sample, Split, param
from bench.data.group_split import divide, group_count
from bench.data.layout import Manifest, first_folder, match, read_manifest
from bench.datasets._checks import NamedPairParams
from bench.errors import BenchError

SHARES = {"train": 3, "val": 1, "test/test": 1}


@dataclass(frozen=True)
class Params(NamedPairParams):
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
        pairs, manifest = self._listed()
        place = _given_splits(manifest) or draw_splits(pairs, self.params.split_seed, manifest.path)
        return tuple(sample for sample in pairs if place[sample.id] == split)

    def notes(self) -> tuple[str, ...]:
        return tuple(self._listed()[1].notes())

    def _listed(self) -> tuple[Split, Manifest]:
        images, masks = first_folder(self.root, ("images", "image")), first_folder(self.root, ("masks", "mask"))
        if images is None or masks is None:
            raise BenchError(f"--data {self.root}: must hold images/ and masks/; add or rename them")
        p = self.params
        pairs = match(images, masks, p.prompt, image_suffix=p.image_suffix, mask_suffix=p.mask_suffix)
        if len(pairs) < len(SHARES):
            raise BenchError(
                f"--data {self.root}: {len(pairs)} pair(s); add more, at least 3 are needed to train, watch and test"
            )
        manifest = read_manifest(self.root, [sample.id for sample in pairs])
        return tuple(_described(sample, manifest.rows.get(sample.id, {})) for sample in pairs), manifest


def draw_splits(pairs: Split, seed: int, manifest: Path) -> dict[str, str]:
    """Split by id, whole groups in one split.

    Raises BenchError that names the manifest, where the groups come from, when they are fewer than the splits.
    """
    if group_count(pairs) < len(SHARES):
        shares = ":".join(map(str, SHARES.values()))
        raise BenchError(f"{manifest}: {group_count(pairs)} group(s) cannot be split {shares}; name at least 3")
    return divide(pairs, SHARES, seed)


def _described(sample: Sample, row: Mapping[str, str]) -> Sample:
    return replace(sample, group=row.get("group") or "", prompt=row.get("prompt") or sample.prompt)


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
