"""What file names tell of a set: images and masks matched by stem, rows of a manifest. Opens no image."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Sample, Split
from bench.errors import BenchError
from bench.images import SUFFIXES
from bench.text import printable

MANIFEST = "manifest.csv"
COLUMNS = ("id", "group", "prompt", "source", "split")
"""What a manifest may tell; another column is named in a note."""
GROUP_NAMES = ("group", "patient", "subject", "participant", "person", "sequence", "seq", "video", "clip", "case",
               "study", "series", "exam", "lesion", "mrn", "pid")  # fmt: skip
GROUP_ENDINGS = ("", "s", "id", "ids", "no", "nr", "num", "number", "name", "uid", "instanceuid", "code", "key")
"""Columns of such a name and ending say which images belong together, under another name than `group`."""
LONGEST = 200
"""Bytes of an id: names of files that are made from it stay below the system's 255."""
BESIDE = ("_mask", "_masks", "_segmentation", "_seg", "_superpixels", "_gt", "_groundtruth", "_label", "_labels")
"""Endings of files that lie beside an image of the stem before them and are not images of the set."""
CHANNEL = "_0000"
"""Ending by which nnU-Net numbers an image's first channel."""
SHOWN = 3

Group = Callable[[str], str]


def first_folder(root: Path, names: Iterable[str]) -> Path | None:
    """The first of several spellings that exists below `root`."""
    return next((root / name for name in names if (root / name).is_dir()), None)


def clean(text: str) -> str:
    """A name or a manifest's cell as an id: composed Unicode, no blanks around it, control characters written out."""
    return printable(unicodedata.normalize("NFC", text.strip()))


def files_by_stem(folder: Path, suffix: str = "", needed: bool = False) -> dict[str, Path]:
    """Image files of a folder by id: the stem in composed Unicode, less `suffix`, which may be `needed` or not.

    Left out are folders, hidden files (macOS puts `._name.png` beside every image of an archive it packs) and masks or
    superpixels beside their image. BenchError names two files of one id, a name that is not UTF-8, a pipe and a device.
    """
    paths = [path for path in sorted(folder.iterdir()) if _is_image(path)]
    stems = {path.stem for path in paths}
    found: dict[str, Path] = {}
    for path in paths:
        if _lies_beside(path.stem, stems, suffix) or (needed and not path.stem.endswith(suffix)):
            continue
        name = clean(path.stem.removesuffix(suffix))
        if len(name.encode()) > LONGEST:
            raise BenchError(f"{path}: the name is longer than {LONGEST} bytes; shorten it")
        if name in found:
            raise BenchError(f"{path}: {found[name].name} has the same stem; remove one of them")
        found[name] = path
    return found


def _is_image(path: Path) -> bool:
    """By its name; BenchError where the name is right and the thing is wrong."""
    if path.suffix.lower() not in SUFFIXES or path.name.startswith(".") or path.is_dir():
        return False
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise BenchError(
            f"{ascii(str(path))}: the name is not UTF-8; rename it (convmv does so for a folder)"
        ) from None
    if not path.is_file():
        raise BenchError(f"{path}: is no file (a pipe, a device or a link to nothing); remove it")
    return True


def _lies_beside(stem: str, stems: Collection[str], suffix: str) -> bool:
    return any(
        stem.lower().endswith(ending) and stem[: -len(ending)] in stems and ending != suffix.lower()
        for ending in BESIDE
    )


def match(
    images: Path,
    masks: Path,
    prompt: str,
    group: Group = lambda _: "",
    *,
    image_suffix: str = "",
    mask_suffix: str = "",
) -> Split:
    """Pairs by id, sorted by id. BenchError names an image without mask and a mask without image."""
    for folder in (images, masks):
        if not folder.is_dir():
            raise BenchError(f"{folder}: no such folder; it must hold the {'images' if folder is images else 'masks'}")
    mask_of = files_by_stem(masks, mask_suffix, needed=images == masks)
    image_of = {name: p for name, p in files_by_stem(images, image_suffix).items() if p not in mask_of.values()}
    lonely = sorted(set(image_of) - set(mask_of))
    if lonely:
        raise BenchError(
            f"{image_of[lonely[0]]}: no mask of that name in {masks}{and_more(lonely)}; "
            f"{_other_name(lonely[0], masks) or 'add or remove it'}"
        )
    lonely = sorted(set(mask_of) - set(image_of))
    if lonely:
        raise BenchError(f"{mask_of[lonely[0]]}: no image of that name in {images}{and_more(lonely)}; add or remove it")
    return tuple(Sample(name, image_of[name], mask_of[name], prompt, group(name)) for name in sorted(image_of))


def _other_name(name: str, masks: Path) -> str:
    """The cure where an image's mask is there under another name; empty where it is not."""
    bare = name.removesuffix(CHANNEL)
    for path in sorted(masks.iterdir()):
        stem = clean(path.stem)
        if bare != name and stem == bare:
            return f"its mask is there as {path.name}: say which ending is the images' with --image-suffix {CHANNEL}"
        if stem == name and path.is_file():
            return f"its mask is there as {path.name}, which is none of {', '.join(SUFFIXES)}: convert the masks to png"
        ending = stem.removeprefix(name)
        if stem != ending and ending.startswith(("_", "-", ".", " ")):
            return f"its mask is there as {path.name}: say which ending is the masks' with --mask-suffix {ending}"
    return ""


def and_more(names: Sequence[object]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def left_out(samples: Split, besides: Iterable[Path] = ()) -> list[str]:
    """A line for each folder of a set's images and masks, and each of `besides`, on what else lies in it.

    Hidden files, the manifest and folders of the set itself are not worth a word.
    """
    used = {path for sample in samples for path in (sample.image, sample.mask)}
    folders = {path.parent for path in used if path.name}
    notes = []
    for folder in sorted({*folders, *besides}):
        others = [path.name for path in sorted(folder.iterdir()) if not _belongs(path, used, folders)]
        if others:
            more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
            notes.append(f"left out of {folder}: {', '.join(map(clean, others[:SHOWN]))}{more}")
    return notes


def _belongs(path: Path, used: Collection[Path], folders: Collection[Path]) -> bool:
    return path in used or path in folders or path.name == MANIFEST or path.name.startswith(".")


@dataclass(frozen=True)
class Manifest:
    """`rows` by id, their cells by column; `unread`: columns that say nothing here. Empty where there is no file."""

    path: Path
    rows: Mapping[str, Mapping[str, str]]
    unread: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """What a reader must know of it."""
        return [f"{self.path}: not read: column {', '.join(self.unread)}"] if self.unread else []


def read_manifest(root: Path, ids: Collection[str]) -> Manifest:
    """`root/manifest.csv`, separated by commas, semicolons or tabs; a row for each of `ids`, blank rows left out.

    BenchError names an id that is none of `ids`, one that has no row, and a column that seems to give groups under
    another name: to pass over it would put images of one patient into training and test.
    """
    path = root / MANIFEST
    if not _is_there(path):
        return Manifest(path, {})
    columns, lines = _table(path)
    _refuse_header(path, columns)
    rows = _rows(path, columns, lines)
    named, known = set(rows), set(ids)
    if named - known:
        raise BenchError(
            f"{path}: id {min(named - known)!r} has no image; mend or remove the row{_ending(rows, known)}"
        )
    if known - named:
        raise BenchError(f"{path}: image {min(known - named)} has no row; add one")
    return Manifest(path, rows, tuple(name for name in columns if name not in COLUMNS))


def _is_there(path: Path) -> bool:
    for found in path.parent.iterdir():
        if found.name.lower() == path.name and found.name != path.name:
            raise BenchError(f"{found}: call it {path.name}, in small letters, to have it read; or remove it")
        if found.name == path.name and not found.is_file():
            raise BenchError(f"{found}: is no file (a folder, a pipe or a link to nothing); remove it")
    return path.is_file()


def _ending(rows: Collection[str], known: Collection[str]) -> str:
    stems = {name.rpartition(".")[0] for name in rows}
    return " (an id is a file's name without its ending)" if stems & set(known) else ""


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Names of the columns, and lines that hold anything; columns without name and content are left out."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = _lines(text)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{path}: not CSV in UTF-8 ({error}); save it as such") from None
    header, *body = lines or [[]]
    columns = [clean(name).lower() for name in header]
    while columns and not columns[-1]:
        columns.pop()
    return columns, [_without_blanks(line, len(columns)) for line in body]


def _lines(text: str) -> list[list[str]]:
    """By the mark that makes a column `id` of the first line."""
    marks = sorted(",;\t", key=text.partition("\n")[0].count, reverse=True)
    tables = [_split(text, mark) for mark in marks]
    return next((table for table in tables if table and "id" in [clean(name).lower() for name in table[0]]), tables[0])


def _split(text: str, mark: str) -> list[list[str]]:
    lines = list(csv.reader(io.StringIO(text), delimiter=mark, skipinitialspace=True))
    full = [line for line in lines if any(cell.strip() for cell in line)]
    # Excel's own first line, which names the mark.
    return full[1:] if full and full[0][0].strip().lower().startswith("sep=") else full


def _without_blanks(line: list[str], count: int) -> list[str]:
    """At most `count` cells where the others are blank."""
    return line[:count] if not any(cell.strip() for cell in line[count:]) else line


def _refuse_header(path: Path, columns: Sequence[str]) -> None:
    if "id" not in columns:
        raise BenchError(f"{path}: no column id; the first line must name the columns, id among them")
    for name in columns:
        if columns.count(name) > 1:
            raise BenchError(f"{path}: two columns of the name {name!r}; keep one")
    groups = [name for name in columns if name not in COLUMNS and _says_group(name)]
    if groups and "group" not in columns:
        raise BenchError(
            f"{path}: column {groups[0]} is not read; call it group if it says which images belong together, otherwise "
            "remove it"
        )


def _says_group(column: str) -> bool:
    letters = "".join(letter for letter in unicodedata.normalize("NFKC", column).lower() if letter.isalpha())
    return any(letters == name + ending for name in GROUP_NAMES for ending in GROUP_ENDINGS)


def _rows(path: Path, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> dict[str, dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for line in lines:
        cells = dict(zip(columns, map(clean, line), strict=False))
        name, wrong = cells.get("id", ""), _wrong(line, columns)
        if not name or wrong:
            raise BenchError(f"{path}: row {', '.join(map(clean, line))!r} has {wrong or 'no id'}; mend or remove it")
        if name in rows:
            raise BenchError(f"{path}: id {name} stands in more than one row; keep one")
        rows[name] = cells
    if not rows:
        raise BenchError(f"{path}: no rows; add one for every image")
    return rows


def _wrong(line: Sequence[str], columns: Sequence[str]) -> str:
    if len(line) == len(columns):
        return ""
    return f"{'more' if len(line) > len(columns) else 'fewer'} cells than the header names"
