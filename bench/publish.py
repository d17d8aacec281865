"""Writes the tables a run or the `leaderboard` command leaves behind."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

from bench.render import FORMATS, SUFFIXES
from bench.results import ScoreRow
from bench.store import write_atomic
from bench.table import Table

TIDY = (
    "dataset", "generator", "masks", "row", "segmenter", "test_set", "metric", "value", "low", "high", "n", "seeds",
    "profile", "base", "record", "sd", "data", "note", "settings", "stratum", "n_real", "reference", "backbone",
    "weights", "resize", "estimator", "floor", "floor_sd", "floor_n", "at_floor_n",
)  # fmt: skip


def tidy_csv(rows: list[ScoreRow]) -> str:
    """One number a line, full precision."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, TIDY, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(row) for row in rows)
    return stream.getvalue()


def write_tables(out: Path, table: Table, rows: list[ScoreRow]) -> list[Path]:
    """leaderboard.csv, .tex, .md and scores.csv; each is replaced whole."""
    texts = {f"leaderboard{SUFFIXES[name]}": render(table) for name, render in FORMATS.items()}
    texts["scores.csv"] = tidy_csv(rows)
    for name, text in texts.items():
        write_atomic(out / name, text)
    return [out / name for name in texts]
