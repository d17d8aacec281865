"""Writes the tables a run or the `leaderboard` command leaves behind."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

from bench.differences import Difference
from bench.render import FORMATS, SUFFIXES
from bench.results import ScoreRow
from bench.store import write_atomic
from bench.table import Table

TIDY = (
    "dataset", "generator", "masks", "row", "segmenter", "test_set", "metric", "value", "low", "high", "n", "seeds",
    "profile", "base", "record", "sd", "data", "note", "settings", "stratum", "n_real", "reference", "backbone",
    "weights", "resize", "estimator", "floor", "floor_sd", "floor_n", "at_floor_n",
)  # fmt: skip


DIFFERENCES = ("metric", "a", "b", "difference", "low", "high", "method", "n")


def _csv(columns: Sequence[str], rows: Sequence[ScoreRow] | Sequence[Difference]) -> str:
    """One number a line, full precision."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(row) for row in rows)
    return stream.getvalue()


def write_tables(out: Path, table: Table, rows: list[ScoreRow], found: list[Difference]) -> list[Path]:
    """leaderboard.csv, .tex, .md, scores.csv and differences.csv; each is replaced whole."""
    texts = {f"leaderboard{SUFFIXES[name]}": render(table) for name, render in FORMATS.items()}
    texts["scores.csv"] = _csv(TIDY, rows)
    texts["differences.csv"] = _csv(DIFFERENCES, found)
    for name, text in texts.items():
        write_atomic(out / name, text)
    return [out / name for name in texts]
