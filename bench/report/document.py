"""What a command shows, in whichever format was asked for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError, did_you_mean
from bench.report.render import FORMATS as PAGES
from bench.report.render import to_text
from bench.report.table import Table
from bench.text import csv_text, json_text


@dataclass(frozen=True, kw_only=True)
class Document:
    """`tables`: for a terminal; `page`: the table for a paper; `records`: one number each, under `columns`, in full
    precision; `body`: everything as one JSON object.
    """

    tables: Sequence[Table]
    page: Table
    columns: Sequence[str]
    records: Sequence[Mapping[str, Any]]
    body: Mapping[str, Any]


def records_csv(columns: Sequence[str], records: Iterable[Mapping[str, Any]]) -> str:
    """One record a line, full precision; what a record does not have is an empty cell."""
    return csv_text(columns, ([record.get(name) for name in columns] for record in records))


FORMATS: Mapping[str, Callable[[Document], str]] = {
    "table": lambda one: "\n\n".join(map(to_text, one.tables)),
    "json": lambda one: json_text(one.body),
    "csv": lambda one: records_csv(one.columns, one.records),
    "latex": lambda one: PAGES["latex"](one.page),
    "markdown": lambda one: PAGES["markdown"](one.page),
}


def rendered(document: Document, format: str) -> str:
    """The document in that format. BenchError for one that does not exist."""
    if format not in FORMATS:
        raise BenchError(f"format {format!r}: unknown{did_you_mean(str(format), FORMATS)}")
    return FORMATS[format](document)
