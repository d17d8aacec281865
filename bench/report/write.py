"""Writes the tables a run or the `leaderboard` command leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.analysis.score_rows import RowScore, SetScore
from bench.analysis.significance import RowDifference
from bench.files.atomic import write_atomic
from bench.report.document import records_csv
from bench.report.per_image import COLUMNS, per_image
from bench.report.render import FORMATS, SUFFIXES
from bench.report.report import Report
from bench.report.set_differences_table import difference_record
from bench.report.sets_table import FIELDS, records, set_record, sets_table
from bench.report.table import Table

TIDY = (
    "dataset", "generator", "masks", "row", "segmenter", "test_set", "metric", "value", "low", "high", "n", "seeds",
    "profile", "base", "record", "sd", "data", "note", "settings", "stratum", "n_real", "reference", "backbone",
    "weights", "resize", "estimator", "floor", "floor_sd", "floor_n", "at_floor_n", "pairs", "updates",
    "n_clusters", "control",
)  # fmt: skip
SIGNIFICANCE = (
    "segmenter", "test_set", "metric", "row", "baseline", "difference", "low", "high", "method", "p_wilcoxon", "p_holm",
    "comparisons", "n_images", "n_clusters", "seeds", "sd_seeds", "beyond_seeds", "better", "dataset", "data",
    "profile", "settings", "pairs", "baseline_pairs",
)  # fmt: skip
DIFFERENCES = ("metric", "a", "b", "difference", "low", "high", "method", "n")


def write_tables(out: Path, report: Report) -> list[Path]:
    """leaderboard, sets, significance as .csv, .tex and .md; scores, differences, per_image as .csv; replaced whole."""
    texts = {f"leaderboard{SUFFIXES[name]}": render(report.table) for name, render in FORMATS.items()}
    if report.sets:
        texts |= _for_pages("sets", sets_table(report.sets))
        texts["sets.csv"] = records_csv(FIELDS, records(report.sets))
    if report.significance:
        texts |= _for_pages("significance", report.significance)
    scores = [*map(_set_score, report.sets), *map(_row_score, report.tests)]
    texts["significance.csv"] = records_csv(SIGNIFICANCE, map(_row_difference, report.row_differences))
    texts["scores.csv"] = records_csv(TIDY, scores)
    texts["differences.csv"] = records_csv(DIFFERENCES, map(difference_record, report.set_differences))
    texts["per_image.csv"] = per_image_csv(report)
    for name, text in texts.items():
        write_atomic(out / name, text)
    return [out / name for name in texts]


def per_image_csv(report: Report) -> str:
    """Every test image's scores under every training, a row each."""
    return records_csv(COLUMNS, per_image(report.rows))


def _for_pages(name: str, table: Table) -> dict[str, str]:
    return {f"{name}{SUFFIXES[form]}": FORMATS[form](table) for form in ("latex", "markdown")}


def _set_score(one: SetScore) -> dict[str, Any]:
    """As `TIDY`; what only a training has is left out."""
    origin = one.origin
    return {
        **{name: value for name, value in set_record(one).items() if name in TIDY},
        "dataset": origin.scope.dataset,
        "data": origin.scope.data,
        "profile": origin.scope.profile,
        "generator": origin.generator,
        "control": origin.control,
        "masks": origin.masks,
        "base": origin.base,
        "settings": origin.settings,
        "metric": one.measure.name,
        "n": one.n,
        "seeds": 1,
    }


def _row_score(one: RowScore) -> dict[str, Any]:
    """As `TIDY`."""
    made, training = one.row.made, one.row.training
    return {
        "dataset": training.scope.dataset,
        "data": training.scope.data,
        "profile": training.scope.profile,
        "generator": made.generator,
        "control": made.control,
        "masks": made.masks,
        "base": made.base,
        "row": training.trained_on,
        "segmenter": training.segmenter,
        "pairs": training.pairs,
        "updates": one.row.updates,
        "seeds": training.seeds,
        "settings": training.settings,
        "test_set": one.test_set,
        "metric": one.metric,
        "stratum": one.stratum,
        "value": one.estimate.value,
        "low": one.estimate.low,
        "high": one.estimate.high,
        "sd": one.sd,
        "n": one.counts.images,
        "n_clusters": one.counts.clusters,
        "note": one.note,
        "record": one.record,
    }


def _row_difference(one: RowDifference) -> dict[str, Any]:
    """As `SIGNIFICANCE`."""
    training = one.training
    return {
        "dataset": training.scope.dataset,
        "data": training.scope.data,
        "profile": training.scope.profile,
        "segmenter": training.segmenter,
        "row": training.trained_on,
        "pairs": training.pairs,
        "seeds": training.seeds,
        "settings": training.settings,
        "baseline": one.baseline,
        "baseline_pairs": one.baseline_pairs,
        "test_set": one.test_set,
        "metric": one.metric,
        "better": one.better,
        "difference": one.estimate.value,
        "low": one.estimate.low,
        "high": one.estimate.high,
        "method": one.method,
        "n_images": one.counts.images,
        "n_clusters": one.counts.clusters,
        "sd_seeds": one.sd,
        "beyond_seeds": one.beyond_training,
        "p_wilcoxon": one.p_wilcoxon,
        "p_holm": one.p_holm,
        "comparisons": one.comparisons,
    }
