"""Components of the noise of comparisons -> a table, with what more repeats or images leave of each. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from bench.analysis.components import ALL, Component, told_apart
from bench.analysis.sources import of_row
from bench.report.table import Cell, Column, Table, rounded

COMPONENTS = (
    "segmenter", "row", "baseline", "metric", "component", "sd", "error", "share", "error_twice_repeats",
    "error_twice_images", "repeats", "n_clusters", "n_images", "sources", "dataset", "data", "profile", "settings",
)  # fmt: skip
_DECIMALS = 4


def component_records(found: Sequence[Sequence[Component]]) -> Iterator[dict[str, Any]]:
    """As `COMPONENTS`, full precision; the last of each comparison is all components together."""
    for parts in found:
        whole = sum(part.error() ** 2 for part in parts)
        for part in parts:
            yield {
                **_comparison(part),
                "component": part.name,
                "sd": part.sd,
                "error": part.error(),
                "share": part.error() ** 2 / whole if whole else None,
                "error_twice_repeats": part.error(more_repeats=2),
                "error_twice_images": part.error(more_images=2),
            }
        yield {
            **_comparison(parts[0]),
            "component": ALL,
            "error": math.sqrt(whole),
            "share": 1.0 if whole else None,
            "error_twice_repeats": math.hypot(*(part.error(more_repeats=2) for part in parts)),
            "error_twice_images": math.hypot(*(part.error(more_images=2) for part in parts)),
        }


def _comparison(part: Component) -> dict[str, Any]:
    one = part.verdict
    training, counts = one.training, one.number.counts
    return {
        "segmenter": training.segmenter,
        "row": training.trained_on,
        "baseline": one.baseline,
        "metric": one.metric,
        "repeats": training.repeats,
        "n_clusters": counts.clusters,
        "n_images": counts.images,
        "sources": of_row(one.sources),
        "dataset": training.scope.dataset,
        "data": training.scope.data,
        "profile": training.scope.profile,
        "settings": training.settings,
    }


def components_table(found: Sequence[Sequence[Component]]) -> Table:
    """One line a component."""
    first = found[0][0].verdict
    titles = ("segmenter", "trained on", "component", "sd of a repeat", "error", "share", "2 × repeats", "2 × images")
    rows = tuple(tuple(Cell(text=text) for text in _texts(record)) for record in component_records(found))
    baselines = ", ".join(dict.fromkeys(parts[0].verdict.baseline for parts in found))
    caption = f"Where the noise of the differences against {baselines} comes from ({first.metric}, overall)"
    return Table(caption, tuple(map(Column, titles)), rows, (*_EXPLAINED, *told_apart(found), *_not_contained(found)))


_EXPLAINED = (
    "sd of a repeat: standard deviation of one repeat's difference on these test images, by the method of moments "
    "(none is below 0, and of few repeats it is a guess itself)",
    "error: what the component adds to the standard error of the mean over repeats, and the same with twice the "
    "repeats or twice the test images; share: of the squared error",
)


def _texts(record: dict[str, Any]) -> tuple[str, ...]:
    share = record["share"]
    return (
        record["segmenter"],
        record["row"],
        record["component"],
        _number(record.get("sd")),
        _number(record["error"]),
        "–" if share is None else f"{share * 100:.0f} %",
        _number(record["error_twice_repeats"]),
        _number(record["error_twice_images"]),
    )


def _number(value: float | None) -> str:
    return "–" if value is None else rounded(value, _DECIMALS)


def _not_contained(found: Sequence[Sequence[Component]]) -> list[str]:
    """What has one seed in all repeats is in no component."""
    rows: dict[str, dict[str, None]] = {}
    for parts in found:
        one = parts[0].verdict
        if len(one.number.by_repeat) > 1:
            rows.setdefault(of_row(one.sources), {})[one.training.trained_on] = None
    if len(rows) == 1:
        return [f"components contain {text}" for text in rows]
    return [f"components of {', '.join(names)} contain {text}" for text, names in rows.items()]
