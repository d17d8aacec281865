"""Probability maps made elsewhere -> their scores against true masks, in every convention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.analysis.map_scores import ScoredMaps, score_set
from bench.data.map_folder import by_labels, read_maps
from bench.images import pixel_limit
from bench.masks import parse_labels
from bench.progress.display import Display
from bench.report.document import rendered
from bench.report.maps import document
from bench.report.per_image import SCORES, tidy
from bench.segscores import score_maps
from bench.text import csv_text
from bench.workflows.request import ScoreRequest


@dataclass(frozen=True)
class MapScores:
    """`scored`: the set's scores with their intervals and notes; `images`: a row of scores and counts an image.

    Printing shows the table.
    """

    scored: ScoredMaps
    images: Sequence[Mapping[str, Any]]

    def __str__(self) -> str:
        return self.to("table")

    def to(self, format: str) -> str:
        """As text: `table`, `json`, `csv`, `latex` or `markdown`."""
        return rendered(document(self.scored), format)

    def per_image(self) -> str:
        """CSV of every image's scores and pixel counts."""
        known = [name for name in SCORES if name in self.images[0]]
        lines = ([row["id"], row["group"], *tidy({name: row[name] for name in known}).values()] for row in self.images)
        return csv_text(["id", "group", *known], lines)


def score(request: ScoreRequest, display: Display | None = None) -> MapScores:
    """Raises BenchError for maps and masks that do not belong together or cannot be read as what they are."""
    labels = parse_labels(request.mask_labels)
    with pixel_limit(request.pixel_limit), TemporaryDirectory() as scratch, display or Display() as shown:
        folder = by_labels(read_maps(request.pred, request.truth, request.mask_suffix), labels, Path(scratch))
        progress = shown.progress(f"score {request.pred.name}")
        rows = score_maps(folder.samples, folder.maps, request.shape_scores, progress)
    scored = score_set(str(request.pred), str(request.truth), rows, request.seed, request.shape_scores)
    return MapScores(replace(scored, read=folder.notes), rows)
