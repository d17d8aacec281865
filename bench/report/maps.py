"""Scores of a folder of maps, for every format."""

from __future__ import annotations

from dataclasses import asdict, fields

from bench.analysis.map_scores import MapScore, ScoredMaps
from bench.report.document import Document
from bench.report.table import Cell, Column, Table, named, rounded
from bench.version import __version__

DECIMALS = {"px": 2}


def document(scored: ScoredMaps) -> Document:
    """The scores as a table, as records and as a JSON object."""
    columns = tuple(map(Column, ("score", "value", "95 % interval", "n", "made as")))
    rows = tuple(tuple(Cell(text=text) for text in _line(score)) for score in scored.scores)
    table = Table(f"{scored.pred} against {scored.truth}", columns, rows, scored.notes)
    return Document(
        tables=[table],
        page=table,
        columns=[field.name for field in fields(MapScore)],
        records=[asdict(score) for score in scored.scores],
        body={"bench": __version__, **asdict(scored), "notes": list(scored.notes)},
    )


def _line(score: MapScore) -> tuple[str, ...]:
    decimals = DECIMALS.get(score.unit, 4)
    value, *bounds = (
        rounded(number, decimals) for number in (score.value, score.low, score.high) if number is not None
    )
    name = f"  {score.stratum}" if score.stratum else named(score.metric, score.better)
    return (
        name,
        f"{value} {score.unit}".strip(),
        f"[{', '.join(bounds)}]" if bounds else "–",
        str(score.n),
        score.meaning,
    )
