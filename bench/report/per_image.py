"""Every image's scores under every training, one line an image. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.analysis.score_rows import ScoredRow
from bench.segscores import COUNTS, PER_IMAGE, SHAPE

SCORES = (*PER_IMAGE, *SHAPE, *COUNTS)
COLUMNS = (
    "segmenter", "row", "repeat", "test_set", "id", "group", *SCORES, "generator", "dataset", "data", "profile",
    "settings",
)  # fmt: skip


def per_image(rows: Sequence[ScoredRow]) -> Iterator[dict[str, Any]]:
    """`repeat` counts from 1; a score that a map was not asked for, or has not, is empty."""
    for row in {row.training.key: row for row in rows}.values():
        for test, tested in row.tests.items():
            about = {**_about(row), "test_set": test.removeprefix("test/")}
            for repeat, columns in enumerate(tested.repeats, 1):
                known = [name for name in SCORES if name in columns]
                for at, (name, group) in enumerate(zip(tested.ids, tested.groups, strict=True)):
                    scores = {score: columns[score][at].item() for score in known}
                    yield {**about, "repeat": repeat, "id": name, "group": group, **tidy(scores)}


def _about(row: ScoredRow) -> dict[str, str]:
    training, scope = row.training, row.training.scope
    return {
        "segmenter": training.segmenter,
        "row": training.trained_on,
        "generator": row.about.made.generator,
        "dataset": scope.dataset,
        "data": scope.data,
        "profile": scope.profile,
        "settings": training.settings,
    }


def tidy(scores: dict[str, float]) -> dict[str, float | int | str]:
    """Counts of pixels are whole; nan is empty, as in the other tables."""
    return {name: int(value) if name in COUNTS else "" if value != value else value for name, value in scores.items()}
