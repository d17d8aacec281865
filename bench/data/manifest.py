"""What the manifest of a set says of its images: groups, prompts, sources, splits. One table, as people write it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contracts import Split
from bench.errors import BenchError
from bench.text import printable

MANIFEST = "manifest.csv"
COLUMNS = ("id", "group", "prompt", "source", "split")
"""What a manifest may tell; another column is named in a note."""
GROUP_NAMES = (
    *("group", "patient", "subject", "participant", "person", "mrn", "pid"),
    *("sequence", "seq", "video", "clip", "case", "study", "series", "exam", "lesion"),
)
GROUP_ENDINGS = ("", "s", "id", "ids", "no", "nr", "num", "number", "name", "uid", "instanceuid", "code", "key")
"""Columns of such a name and ending say which images belong together, under another name than `group`."""
_COPY = re.compile(r"(.+)-copy\d+")


def clean(text: str) -> str:
    """A name or a manifest's cell as an id: composed Unicode, no blanks around it, control characters written out."""
    return printable(unicodedata.normalize("NFC", text.strip()))


@dataclass(frozen=True)
class Manifest:
    """`rows` by id, their cells by column; `unread`: columns that say nothing here. Empty where there is no file."""

    path: Path
    rows: Mapping[str, Mapping[str, str]]
    unread: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """What a reader must know of it."""
        return [f"{self.path}: not read: column {', '.join(self.unread)}"] if self.unread else []


def described(samples: Split, manifest: Manifest, synthetic: bool = False) -> Split:
    """The samples with what the manifest says of them: group, prompt and, of a `synthetic` set, source.

    Where no prompt is given, a sample keeps its own; where no source is, `NAME-copy2` was made from `NAME`.
    """
    whole = []
    for sample in samples:
        row, copy = manifest.rows.get(sample.id, {}), _COPY.fullmatch(sample.id)
        source = (row.get("source") or (copy[1] if copy else "")) if synthetic else ""
        group, prompt = row.get("group") or "", row.get("prompt") or sample.prompt
        whole.append(replace(sample, group=group, prompt=prompt, source=source))
    return tuple(whole)


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
        stems = {name.rpartition(".")[0] for name in named}
        why = " (an id is a file's name without its ending)" if stems & known else ""
        raise BenchError(f"{path}: id {min(named - known)!r} has no image; mend or remove the row{why}")
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
    count = len(columns)
    return columns, [line if any(cell.strip() for cell in line[count:]) else line[:count] for line in body]


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
        name = cells.get("id", "")
        wrong = "" if name else "no id"
        if len(line) != len(columns):
            wrong = f"{'more' if len(line) > len(columns) else 'fewer'} cells than the header names"
        if wrong:
            raise BenchError(f"{path}: row {', '.join(map(clean, line))!r} has {wrong}; mend or remove it")
        if name in rows:
            raise BenchError(f"{path}: id {name} stands in more than one row; keep one")
        rows[name] = cells
    if not rows:
        raise BenchError(f"{path}: no rows; add one for every image")
    return rows
