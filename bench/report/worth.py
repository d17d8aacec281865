"""What synthetic sets are worth in real pairs: the report of a `worth`, as text, tables and picture."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.analysis.estimate import Resampled
from bench.analysis.negatives import empty_masks, with_fair
from bench.analysis.origin import trained_row
from bench.analysis.records import RecordReader
from bench.analysis.score_rows import ScoredRow
from bench.analysis.sources import of_worth
from bench.analysis.worth import LearningCurve, Worth, learning_curves
from bench.files.atomic import replacing
from bench.report.document import records_csv
from bench.report.files import for_pages, replace_files
from bench.report.per_image import COLUMNS, per_image
from bench.report.render import to_text
from bench.report.table import Table
from bench.report.worth_table import bounded, sentence, worth_notes, worth_table
from bench.store.artefacts import Store
from bench.store.worth_manifest import WorthManifest

FIELDS = (
    "segmenter", "metric", "trained_on", "generator", "control", "kind", "real", "synthetic", "score", "score_low",
    "score_high", "like", "like_low", "like_high", "worth", "worth_low", "worth_high", "exchange_rate",
    "exchange_rate_low", "exchange_rate_high", "repeats", "sd_repeats", "n_images", "n_clusters", "sources", "dataset",
    "data", "profile", "settings",
)  # fmt: skip
CURVE = (
    "segmenter", "metric", "trained_on", "percent", "real", "score", "score_low", "score_high", "fitted", "repeats",
    "sd_repeats",
)  # fmt: skip
PICTURES = ("png", "svg")


@dataclass(frozen=True, kw_only=True)
class WorthReport:
    """`curves`: of every network and score; the first score of each is in the table and the picture.

    `sentences`: what each set is worth; `rows`: with every image's scores.
    """

    curves: tuple[LearningCurve, ...]
    table: Table
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[ScoredRow, ...]

    @property
    def headline(self) -> tuple[LearningCurve, ...]:
        """The first score of each network."""
        return tuple({one.segmenter: one for one in reversed(self.curves)}.values())[::-1]

    @property
    def worths(self) -> list[Worth]:
        """Of every network, in every score."""
        return [worth for curve in self.curves for worth in curve.sets]

    def text(self) -> str:
        """For a terminal."""
        return "\n".join([*self.sentences, "", to_text(self.table.brief(self.notes))])


def worth_report(manifest: WorthManifest, store: Store, failed: Collection[str] = ()) -> WorthReport | None:
    """Made of the records there are; None without any finished score."""
    run = RecordReader(store, failed).run(manifest.run)
    # Not by what they scored: copies of the real pairs are a point of the curve under another name.
    rows = tuple(ScoredRow(trained_row(run.manifest, one), one.tests, one.lacking) for one in run.rows if one.tests)
    if not rows:
        return None
    columns = with_fair(manifest.run.columns) if empty_masks(rows)[0] else manifest.run.columns
    curves = tuple(learning_curves(manifest, rows, columns))
    headline = [one for one in curves if one.metric == columns[0]]
    notes = worth_notes(manifest, headline, rows)
    return WorthReport(
        curves=curves,
        table=worth_table(manifest, headline, notes.all),
        sentences=tuple(sentence(one) for curve in headline for one in curve.sets),
        notes=notes.weighty,
        rows=rows,
    )


def write_worth(out: Path, report: WorthReport) -> list[Path]:
    """worth as .csv, .tex, .md, .png and .svg; worth_curve.csv, per_image.csv; replaced whole."""
    texts = for_pages("worth", report.table)
    texts["worth.csv"] = records_csv(FIELDS, map(_record, report.worths))
    texts["worth_curve.csv"] = records_csv(CURVE, _points(report.curves))
    texts["per_image.csv"] = records_csv(COLUMNS, per_image(report.rows))
    pictures = _draw(out, report)
    kept = {path.name for path in pictures}
    return [*replace_files(out, texts, {f"worth.{form}" for form in PICTURES} - kept), *pictures]


def _draw(out: Path, report: WorthReport) -> list[Path]:
    """A picture in each format; none where no network has a curve."""
    drawn = [one for one in report.headline if one.points]
    if not drawn:
        return []
    # matplotlib takes longer to import than all else.
    from bench.report.worth_plot import draw_worth, save_figure

    paths = [out / f"worth.{form}" for form in PICTURES]
    figure = draw_worth(drawn)
    for path in paths:
        with replacing(path) as part:
            save_figure(figure, part, path.suffix[1:])
    return paths


def _record(one: Worth) -> dict[str, Any]:
    """As `FIELDS`. A bound is a text, `> 1088`, so that no program takes it for the number."""
    training, about, counts = one.training, one.about, one.score.counts
    spans = {"like": (one.like, one.span), "worth": (one.worth, one.worth_span)}
    spans["exchange_rate"] = (one.exchange, one.exchange_span)
    amounts: dict[str, Any] = {}
    for name, (value, span) in spans.items():
        amounts[name] = bounded(value)
        amounts[f"{name}_low"], amounts[f"{name}_high"] = map(bounded, span) if span else (None, None)
    return {
        **amounts,
        "segmenter": training.segmenter,
        "metric": one.metric,
        "trained_on": about.trained_on,
        "generator": about.generator,
        "control": one.control,
        "kind": about.kind,
        "real": about.real,
        "synthetic": about.synthetic,
        **_score(one.score),
        "n_images": counts.images,
        "n_clusters": counts.clusters,
        "sources": of_worth(training.varied),
        "dataset": training.scope.dataset,
        "data": training.scope.data,
        "profile": training.scope.profile,
        "settings": training.settings,
    }


def _points(curves: Sequence[LearningCurve]) -> list[dict[str, Any]]:
    """As `CURVE`."""
    return [
        {
            "segmenter": curve.segmenter,
            "metric": curve.metric,
            "trained_on": point.about.trained_on,
            "percent": point.about.percent,
            "real": point.about.pairs,
            **_score(point.score),
            "fitted": point.fitted,
        }
        for curve in curves
        for point in curve.points
    ]


def _score(score: Resampled) -> dict[str, Any]:
    found = score.estimate
    return {
        "score": found.value,
        "score_low": found.low,
        "score_high": found.high,
        "repeats": len(score.by_repeat),
        "sd_repeats": score.sd,
    }
