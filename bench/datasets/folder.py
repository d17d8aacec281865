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
        place = given or draw_splits(pairs, self.params.split_seed, self.root / MANIFEST)
        return tuple(sample for sample in pairs if place[sample.id] == split)

    def _listed(self) -> tuple[Split, dict[str, str]]:
        images, masks = first_folder(self.root, ("images", "image")), first_folder(self.root, ("masks", "mask"))
        if images is None or masks is None:
            raise BenchError(f"--data {self.root}: must hold images/ and masks/; add or rename them")
        pairs = match(images, masks, self.params.prompt)
        if len(pairs) < sum(map(bool, SHARES)):
            raise BenchError(
                f"--data {self.root}: {len(pairs)} pair(s); add more, at least 3 are needed to train, watch and test"
            )
        rows = _manifest(self.root / MANIFEST, pairs)
        pairs = tuple(_described(sample, rows.get(sample.id, {})) for sample in pairs)
        return pairs, _given_splits(self.root / MANIFEST, rows)

    def check(self, samples: Split) -> None:
        check(samples, self.params.allow_empty_masks)


def draw_splits(pairs: Split, seed: int, manifest: Path) -> dict[str, str]:
    """Split by id: whole groups, in an order drawn by the seed, fill each split up to its share of the images.

    Raises BenchError that names the manifest, where the groups come from, when they are fewer than the splits.
    """
    groups: dict[str, list[str]] = {}
    for sample in pairs:
        groups.setdefault(sample.group or f"\0{sample.id}", []).append(sample.id)
    if len(groups) < len(SPLITS):
        shares = ":".join(map(str, SHARES))
        raise BenchError(f"{manifest}: {len(groups)} group(s) cannot be split {shares}; name at least 3")
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
    rows = _rows(path)
    named, known = set(rows), {sample.id for sample in pairs}
    if named - known:
        raise BenchError(f"{path}: id {min(named - known)!r} has no image and mask; mend or remove the row")
    if known - named:
        raise BenchError(f"{path}: image {min(known - named)} has no row; add one")
    return rows


def _rows(path: Path) -> dict[str, dict[str, str]]:
    """Rows by id."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{path}: not CSV in UTF-8 ({error}); save it as such") from None
    if not rows or "id" not in rows[0]:
        raise BenchError(f"{path}: no column id or no rows; the first line must name the columns, id among them")
    by_id: dict[str, dict[str, str]] = {}
    for row in rows:
        # A row with fewer cells than the header has None in the others.
        if by_id.setdefault(row["id"] or "", row) is not row:
            raise BenchError(f"{path}: id {row['id']} stands in more than one row; keep one")
    return by_id


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
