"""Tables as files of one folder, replaced together: what an earlier call left and this one has not is removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.files.atomic import write_atomic
from bench.report.render import FORMATS, SUFFIXES
from bench.report.table import Table

PAGES = ("latex", "markdown")


def for_pages(name: str, table: Table) -> dict[str, str]:
    """A table's text by the name of its file, for LaTeX and for Markdown."""
    return {f"{name}{SUFFIXES[form]}": FORMATS[form](table) for form in PAGES}


def page_names(name: str) -> list[str]:
    """Names of the files of `for_pages`."""
    return [f"{name}{SUFFIXES[form]}" for form in PAGES]


def replace_files(folder: Path, texts: Mapping[str, str], names: Iterable[str]) -> list[Path]:
    """Write `texts` by their names, and remove what else of `names` is there; returns what was written."""
    for name, text in texts.items():
        write_atomic(folder / name, text)
    for name in set(names) - set(texts):
        (folder / name).unlink(missing_ok=True)
    return [folder / name for name in texts]
