"""Any folder of images and masks, split 3 : 1 : 1."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contracts import Dataset, Sample, Split, param
from bench.datasets._pairs import check, first_folder, match
from bench.errors import BenchError

SPLITS = ("train", "val", "test/test")
SHARES = (3, 1, 1)
MANIFEST = "manifest.csv"


@dataclass(frozen=True)
class Params:
    prompt: str = param("A photo of a lesion.", "text condition of images without one in the manifest")
    split_seed: int = param(0, "which pairs go where", low=0)
    allow_empty_masks: bool = param(False, "accept masks without foreground")


class Folder(Dataset):
    """`images/` and `masks/` (or `image/`, `mask/`) of the given folder, split 3 : 1 : 1 into train, val and test.

    An optional `manifest.csv` with a column `id` (file stems) may give `group` (frames of one sequence, images of one
    patient: a group never straddles a split), `prompt`, and `split` (train, val or test: then nothing is drawn).
    """

    version = 1
    Params = Params

    def splits(self) -> tuple[str, ...]:
        return SPLITS

    def samples(self, split: str) -> Split:
        pairs, given = self._listed()
        place = given or draw_splits(pairs, self.params.split_seed)
        return tuple(sample for sample in pairs if place[sample.id] == split)

    def _listed(self) -> tuple[Split, dict[str, str]]:
        images, masks = first_folder(self.root, ("images", "image")), first_folder(self.root, ("masks", "mask"))
        if images is None or masks is None:
            raise BenchError(f"--data {self.root}: must hold images/ and masks/")
        pairs = match(images, masks, self.params.prompt)
        if len(pairs) < sum(map(bool, SHARES)):
            raise BenchError(f"--data {self.root}: {len(pairs)} pairs; at least 3 are needed to train, watch and test")
        rows = _manifest(self.root / MANIFEST, pairs)
        pairs = tuple(_described(sample, rows.get(sample.id, {})) for sample in pairs)
        return pairs, _given_splits(self.root / MANIFEST, rows)

    def check(self, samples: Split) -> None:
        check(samples, self.params.allow_empty_masks)


def draw_splits(pairs: Split, seed: int) -> dict[str, str]:
    """Split by id: whole groups, in an order drawn by the seed, fill each split up to its share of the images."""
    groups: dict[str, list[str]] = {}
    for sample in pairs:
        groups.setdefault(sample.group or f"\0{sample.id}", []).append(sample.id)
    if len(groups) < len(SPLITS):
        raise BenchError(f"{len(groups)} groups cannot be split {':'.join(map(str, SHARES))}; at least 3 are needed")
    order = sorted(groups, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    # Each split gets one group first, so that none is empty however unequal the groups are.
    filled = {split: list(groups[group]) for split, group in zip(SPLITS, order, strict=False)}
    for group in order[len(SPLITS) :]:
        emptiest = min(SPLITS, key=lambda split: len(filled[split]) / SHARES[SPLITS.index(split)])
        filled[emptiest] += groups[group]
    return {name: split for split, names in filled.items() for name in names}


def _manifest(path: Path, pairs: Split) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or "id" not in rows[0]:
        raise BenchError(f"{path}: must have a header with a column id")
    named, known = {row["id"] for row in rows}, {sample.id for sample in pairs}
    if named - known:
        raise BenchError(f"{path}: id {min(named - known)} has no image and mask; mend or remove the row")
    if known - named:
        raise BenchError(f"{path}: image {min(known - named)} has no row; add one")
    if len(rows) != len(named):
        raise BenchError(f"{path}: an id stands in more than one row; keep one")
    return {row["id"]: row for row in rows}


def _described(sample: Sample, row: dict[str, str]) -> Sample:
    return replace(sample, group=row.get("group") or "", prompt=row.get("prompt") or sample.prompt)


def _given_splits(path: Path, rows: dict[str, dict[str, str]]) -> dict[str, str]:
    """Splits named in the manifest, or none. A group in two splits is refused."""
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
