"""Writes the tables a run or the `leaderboard` command leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.analysis.predictors import Predictor
from bench.analysis.score_rows import RowScore, SetScore
from bench.analysis.sources import of_row
from bench.analysis.verdicts import Verdict
from bench.files.atomic import write_atomic
from bench.images import save_png
from bench.report.components_table import COMPONENTS, component_records, components_table
from bench.report.document import records_csv
from bench.report.files import for_pages, page_names, replace_files
from bench.report.per_image import COLUMNS, per_image
from bench.report.predictors_plot import draw_predictors
from bench.report.predictors_table import PREDICTORS, predictor_record, predictors_table
from bench.report.render import FORMATS, SUFFIXES
from bench.report.report import Report
from bench.report.set_differences_table import difference_record
from bench.report.sets_table import FIELDS, records, set_record, sets_table

TIDY = (
    "dataset", "generator", "masks", "row", "segmenter", "test_set", "metric", "value", "low", "high", "n", "repeats",
    "profile", "base", "record", "sd", "data", "note", "settings", "stratum", "n_real", "reference", "backbone",
    "weights", "resize", "estimator", "floor", "floor_sd", "floor_n", "at_floor_n", "pairs", "updates",
    "n_clusters", "control", "sources",
)  # fmt: skip
VERDICTS = (
    "segmenter", "test_set", "metric", "row", "baseline", "difference", "low", "high", "level", "verdict", "p_false",
    "margin", "not_worse", "least_difference", "repeats_needed", "images_needed", "p", "p_holm", "comparisons",
    "n_images", "n_clusters", "repeats", "sd_repeats", "sources", "better", "dataset", "data", "profile", "settings",
    "pairs", "baseline_pairs",
)  # fmt: skip
_SOMETIMES = (
    "sets.csv", "predictors.csv", "predictors.png", "predictors.svg",
    *(name for table in ("sets", "verdicts", "components", "predictors") for name in page_names(table)),
)  # fmt: skip
"""Files that not every report has."""
DIFFERENCES = ("metric", "a", "b", "difference", "low", "high", "method", "n", "repeats")


def write_tables(out: Path, report: Report) -> list[Path]:
    """leaderboard, sets, verdicts, components as .csv, .tex and .md; scores, differences, per_image as .csv; replaced
    whole. Where there are rows enough predictors too, with a picture (.png and .svg).
    """
    texts = {f"leaderboard{SUFFIXES[name]}": render(report.table) for name, render in FORMATS.items()}
    if report.sets:
        texts |= for_pages("sets", sets_table(report.sets))
        texts["sets.csv"] = records_csv(FIELDS, records(report.sets))
    if report.verdicts_table:
        texts |= for_pages("verdicts", report.verdicts_table)
    if report.components:
        texts |= for_pages("components", components_table(report.components))
    if report.predictors:
        texts |= for_pages("predictors", predictors_table(report.predictors))
        texts["predictors.csv"] = records_csv(PREDICTORS, map(predictor_record, report.predictors))
    scores = [*map(_set_score, report.sets), *map(_row_score, report.tests)]
    texts["verdicts.csv"] = records_csv(VERDICTS, map(_verdict, report.verdicts))
    texts["components.csv"] = records_csv(COMPONENTS, component_records(report.components))
    texts["scores.csv"] = records_csv(TIDY, scores)
    texts["differences.csv"] = records_csv(DIFFERENCES, map(difference_record, report.set_differences))
    texts["per_image.csv"] = per_image_csv(report)
    pictures = _pictures(out, report.predictors) if report.predictors else []
    kept = {path.name for path in pictures}
    return [*replace_files(out, texts, [name for name in _SOMETIMES if name not in kept]), *pictures]


def _pictures(out: Path, found: Sequence[Predictor]) -> list[Path]:
    pixels, vector = draw_predictors(found)
    paths = [out / f"predictors.{suffix}" for suffix in ("png", "svg")]
    save_png(paths[0], pixels)
    write_atomic(paths[1], vector)
    return paths


def per_image_csv(report: Report) -> str:
    """Every test image's scores under every training, a row each."""
    return records_csv(COLUMNS, per_image(report.rows))


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
        "repeats": training.repeats,
        "sources": of_row(training.varied),
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


def _verdict(one: Verdict) -> dict[str, Any]:
    """As `VERDICTS`."""
    training, estimate, counts = one.training, one.estimate, one.number.counts
    repeats, images = one.needed
    return {
        "dataset": training.scope.dataset,
        "data": training.scope.data,
        "profile": training.scope.profile,
        "segmenter": training.segmenter,
        "row": training.trained_on,
        "pairs": training.pairs,
        "repeats": training.repeats,
        "sources": of_row(one.sources),
        "settings": training.settings,
        "baseline": one.baseline,
        "baseline_pairs": one.baseline_pairs,
        "test_set": one.test_set,
        "metric": one.metric,
        "better": one.better,
        "difference": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "level": one.level,
        "verdict": one.word,
        "p_false": one.p_false,
        "margin": one.margin,
        "not_worse": one.not_worse,
        "least_difference": one.least,
        "repeats_needed": repeats,
        "images_needed": images,
        "n_images": counts.images,
        "n_clusters": counts.clusters,
        "sd_repeats": one.number.sd,
        "p": one.p_value,
        "p_holm": one.p_holm,
        "comparisons": one.comparisons,
    }
