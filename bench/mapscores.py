"""Scores of a folder of maps, as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

from bench import __version__
from bench.paired import LEAST_CLUSTERS
from bench.render import to_text
from bench.segscores import NAMES
from bench.table import Cell, Column, Table, rounded
from bench.tested import over_seeds
from bench.text import csv_text, json_text

DECIMALS = {"px": 2}
EXPLAINED = (
    "stretched: each map to [0, 1] by its own minimum and maximum, as PraNet's evaluation does, so a perfect hard map "
    "scores a little below 1 in mdice@256; at 0.5: the map as it is; pooled and two-class scores are of the whole set",
    "empty masks: 0 in mdice@256 and miou@256, whatever the map; dice@0.5 and iou@0.5 are 1 where the map is empty "
    "too, otherwise 0; no recall",
)
NO_SHAPE = "S-measure, weighted F, HD95 and surface Dice, tens of milliseconds an image: --shape-scores"
SHAPE = "outlines of which one is empty: hd95 is the image's diagonal and surface Dice 0; both empty: 0 px and 1"
ALONE = (
    "images without a group count as independent; if frames of one video or images of one patient are among them, "
    "intervals are too narrow: say which in manifest.csv beside the masks (columns id, group)"
)
FEW = f"intervals of fewer than {LEAST_CLUSTERS} groups are too narrow"


@dataclass(frozen=True)
class MapScore:
    """One number. `low` and `high` bound the 95 % interval, None where there are fewer than two groups of images."""

    metric: str
    stratum: str
    value: float
    low: float | None
    high: float | None
    n: int
    better: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class Scored:
    """`groups`: of images drawn together; `alone`: images without one; `empty`: masks without lesion; `shape`: with the
    scores of shape; `read`: what a reader must know of how the files were taken.
    """

    pred: str
    truth: str
    images: int
    groups: int
    alone: int
    empty: int
    seed: int
    shape: bool
    scores: tuple[MapScore, ...]
    read: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        parts = [f"{self.groups} groups"] if self.groups else []
        parts += [f"{self.alone} single images"] if self.alone else []
        return (
            *self.read,
            *([f"{self.empty} of {self.images} masks have no lesion"] if self.empty else []),
            *EXPLAINED,
            SHAPE if self.shape else NO_SHAPE,
            f"intervals: 95 %, bootstrap that draws {' and '.join(parts)}, seed {self.seed}",
            *([ALONE] if self.alone else []),
            *([FEW] if self.groups + self.alone < LEAST_CLUSTERS else []),
        )


def score_set(
    pred: str, truth: str, rows: Sequence[Mapping[str, Any]], seed: int, shape: bool = False
) -> Scored:  # fmt: skip
    """`rows` as `score_maps` makes them. The bootstrap draws groups of images, each image of its own without one."""
    one = over_seeds([rows], seed)
    found = []
    for (metric, stratum), reading in one.readings.items():
        place, name = (metric, stratum), NAMES[metric]
        low, high = one.interval(place) or (None, None)
        found.append(
            MapScore(
                metric, stratum, one.value(place), low, high, reading.n, name.better, name.unit,
                reading.note or name.meaning,
            )
        )  # fmt: skip
    groups = len({row["group"] for row in rows if row["group"]})
    alone, empty = sum(not row["group"] for row in rows), sum(row["tp"] + row["fn"] == 0 for row in rows)
    return Scored(pred, truth, len(rows), groups, alone, empty, seed, shape, tuple(found))


def as_table(scored: Scored) -> str:
    columns = tuple(map(Column, ("score", "value", "95 % interval", "n", "made as")))
    rows = tuple(tuple(Cell(text=text) for text in _line(score)) for score in scored.scores)
    return to_text(Table(f"{scored.pred} against {scored.truth}", columns, rows, scored.notes))


def _line(score: MapScore) -> tuple[str, ...]:
    decimals = DECIMALS.get(score.unit, 4)
    value, *bounds = (
        rounded(number, decimals) for number in (score.value, score.low, score.high) if number is not None
    )
    arrow = "↑" if score.better == "higher" else "↓"
    name = f"  {score.stratum}" if score.stratum else f"{score.metric} {arrow}"
    return (
        name,
        f"{value} {score.unit}".strip(),
        f"[{', '.join(bounds)}]" if bounds else "–",
        str(score.n),
        score.meaning,
    )


def as_json(scored: Scored) -> str:
    """One object, numbers in full precision."""
    found = {"bench": __version__, **asdict(scored), "notes": list(scored.notes)}
    return json_text(found)


def as_csv(scored: Scored) -> str:
    """One number a line, full precision; empty where there is no interval."""
    return csv_text([field.name for field in fields(MapScore)], map(astuple, scored.scores))


FORMATS: Mapping[str, Callable[[Scored], str]] = {"table": as_table, "json": as_json, "csv": as_csv}
