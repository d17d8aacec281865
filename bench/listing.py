"""What file names tell of a set: images and masks matched by stem, rows of a manifest. Opens no image."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from bench.contracts import Sample, Split
from bench.errors import BenchError
from bench.images import SUFFIXES

MANIFEST = "manifest.csv"

Group = Callable[[str], str]


def first_folder(root: Path, names: Iterable[str]) -> Path | None:
    """The first of several spellings that exists below `root`."""
    return next((root / name for name in names if (root / name).is_dir()), None)


def files_by_stem(folder: Path, suffix: str = "", ignore: str = "") -> dict[str, Path]:
    """Image files of a folder by stem, with a known ending of the stem taken off. Two files of one stem are refused.

    Hidden files are left out: macOS puts `._name.png` beside every image of an archive it packs.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if ignore and path.stem.endswith(ignore):
            continue
        stem = path.stem.removesuffix(suffix)
        if stem in found:
            raise BenchError(f"{path}: {found[stem].name} has the same stem; remove one of them")
        found[stem] = path
    return found


def match(
    images: Path, masks: Path, prompt: str, group: Group = lambda _: "", mask_suffix: str = "", ignore: str = ""
) -> Split:
    """Pairs by stem, sorted by stem. BenchError names an image without mask and a mask without image."""
    for folder in (images, masks):
        if not folder.is_dir():
            raise BenchError(f"{folder}: no such folder; it must hold the {'images' if folder is images else 'masks'}")
    image_of, mask_of = files_by_stem(images, ignore=ignore), files_by_stem(masks, mask_suffix)
    lonely = sorted(set(image_of) - set(mask_of))
    if lonely:
        raise BenchError(f"{image_of[lonely[0]]}: no mask of that name in {masks}{_and_more(lonely)}; add or remove it")
    lonely = sorted(set(mask_of) - set(image_of))
    if lonely:
        raise BenchError(
            f"{mask_of[lonely[0]]}: no image of that name in {images}{_and_more(lonely)}; add or remove it"
        )
    return tuple(Sample(stem, image_of[stem], mask_of[stem], prompt, group(stem)) for stem in sorted(image_of))


def _and_more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def manifest_rows(root: Path, ids: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """Rows of `root/manifest.csv` by their column `id`; empty without that file.

    BenchError names an id that is none of `ids`, and one that has no row.
    """
    path = root / MANIFEST
    if not path.is_file():
        return {}
    rows = _rows(path)
    named, known = set(rows), set(ids)
    if named - known:
        raise BenchError(f"{path}: id {min(named - known)!r} has no image; mend or remove the row")
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
