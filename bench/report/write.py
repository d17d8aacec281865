"""Writes the tables a run or the `leaderboard` command leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.analysis.score_rows import ScoreRow
from bench.analysis.set_differences import Difference
from bench.analysis.significance import Gain
from bench.files.atomic import write_atomic
from bench.report.per_image import COLUMNS, per_image
from bench.report.render import FORMATS, SUFFIXES
from bench.report.report import Report
from bench.report.sets_table import sets_csv, sets_table
from bench.report.table import Table
from bench.text import csv_text

TIDY = (
    "dataset", "generator", "masks", "row", "segmenter", "test_set", "metric", "value", "low", "high", "n", "seeds",
    "profile", "base", "record", "sd", "data", "note", "settings", "stratum", "n_real", "reference", "backbone",
    "weights", "resize", "estimator", "floor", "floor_sd", "floor_n", "at_floor_n", "pairs", "updates",
    "n_clusters",
)  # fmt: skip


DIFFERENCES = ("metric", "a", "b", "difference", "low", "high", "method", "n")
SIGNIFICANCE = (
    "segmenter", "test_set", "metric", "row", "baseline", "difference", "low", "high", "method", "p_wilcoxon", "p_holm",
    "comparisons", "n_images", "n_clusters", "seeds", "sd_seeds", "beyond_seeds", "better", "dataset", "data",
    "profile", "settings", "pairs", "baseline_pairs",
)  # fmt: skip


def _csv(columns: Sequence[str], rows: Sequence[ScoreRow] | Sequence[Difference] | Sequence[Gain]) -> str:
    """One number a line, full precision."""
    return csv_text(columns, ([getattr(row, name) for name in columns] for row in rows))


def per_image_csv(board: Report) -> str:
    return csv_text(COLUMNS, ([row.get(name) for name in COLUMNS] for row in per_image(board.trained)))


def write_tables(out: Path, board: Report) -> list[Path]:
    """leaderboard, sets, significance as .csv, .tex and .md; scores, differences, per_image as .csv; replaced whole."""
    texts = {f"leaderboard{SUFFIXES[name]}": render(board.table) for name, render in FORMATS.items()}
    if any(not row.segmenter for row in board.rows):
        texts |= _for_pages("sets", sets_table(board.rows))
        texts["sets.csv"] = sets_csv(board.rows)
    if board.significance:
        texts |= _for_pages("significance", board.significance)
    texts["significance.csv"] = _csv(SIGNIFICANCE, board.gains)
    texts["scores.csv"] = _csv(TIDY, board.rows)
    texts["differences.csv"] = _csv(DIFFERENCES, board.found)
    texts["per_image.csv"] = per_image_csv(board)
    for name, text in texts.items():
        write_atomic(out / name, text)
    return [out / name for name in texts]


def _for_pages(name: str, table: Table) -> dict[str, str]:
    return {f"{name}{SUFFIXES[form]}": FORMATS[form](table) for form in ("latex", "markdown")}
