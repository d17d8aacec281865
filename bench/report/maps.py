"""Scores of a folder of maps, as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple, fields

from bench.analysis.map_scores import MapScore, Scored
from bench.report.render import to_text
from bench.report.table import Cell, Column, Table, named, rounded
from bench.text import csv_text, json_text
from bench.version import __version__

DECIMALS = {"px": 2}


def as_table(scored: Scored) -> str:
    columns = tuple(map(Column, ("score", "value", "95 % interval", "n", "made as")))
    rows = tuple(tuple(Cell(text=text) for text in _line(score)) for score in scored.scores)
    return to_text(Table(f"{scored.pred} against {scored.truth}", columns, rows, scored.notes))


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


def as_json(scored: Scored) -> str:
    """One object, numbers in full precision."""
    found = {"bench": __version__, **asdict(scored), "notes": list(scored.notes)}
    return json_text(found)


def as_csv(scored: Scored) -> str:
    """One number a line, full precision; empty where there is no interval."""
    return csv_text([field.name for field in fields(MapScore)], map(astuple, scored.scores))


FORMATS: Mapping[str, Callable[[Scored], str]] = {"table": as_table, "json": as_json, "csv": as_csv}
