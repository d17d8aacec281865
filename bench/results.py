"""Reads a run's records back: manifest + store -> score rows, one number each."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.segscores import METRICS
from bench.spec import derive_seed
from bench.stages import PER_IMAGE, SCORES
from bench.stats import interval, mean_over_seeds, overall, spread, unweighted
from bench.store import Store

OVERALL = "overall"
OVERALL_UNWEIGHTED = "overall-unweighted"

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class ScoreRow:
    """One number of the tidy table. `test_set` is empty for metrics of a synthetic set; `sd` is over seeds."""

    dataset: str
    data: str
    generator: str
    masks: str
    row: str
    segmenter: str
    test_set: str
    metric: str
    value: float
    low: float | None
    high: float | None
    n: int
    seeds: int
    sd: float | None
    profile: str
    base: str
    record: str
    better: str
    note: str = ""


def score_rows(manifest: Mapping[str, Any], store: Store) -> list[ScoreRow]:
    """Every number of a run whose record exists; what failed is simply not there."""
    made = [row for comparison in manifest["comparisons"] for row in _set_scores(manifest, comparison, store)]
    return made + [row for line in manifest["lines"] for row in _line_scores(manifest, line, store)]


def _common(manifest: Mapping[str, Any], generator: str) -> dict[str, Any]:
    return {
        "dataset": manifest["dataset"]["name"],
        "data": manifest["dataset"]["fingerprint"][:12],
        "generator": generator,
        "masks": manifest["masks"],
        "profile": manifest["profile"],
        "base": manifest["bases"].get(generator, ""),
    }


def _set_scores(manifest: Mapping[str, Any], comparison: Mapping[str, str], store: Store) -> list[ScoreRow]:
    if not store.has("score", comparison["key"]):
        return []
    path = store.path("score", comparison["key"]) / SCORES
    scores = json.loads(path.read_text(encoding="utf-8"))
    return [
        ScoreRow(
            **_common(manifest, comparison["generator"]), row="", segmenter="", test_set="", metric=column,
            value=score["value"], low=score["low"], high=score["high"], n=score["n_fake"], seeds=1, sd=None,
            record=f"score/{comparison['key']}", better=manifest["better"][comparison["metric"]], note=score["note"],
        )
        for column, score in scores.items()
    ]  # fmt: skip


def _line_scores(manifest: Mapping[str, Any], line: Mapping[str, Any], store: Store) -> list[ScoreRow]:
    by_test = {
        test.removeprefix("test/"): [_per_image(store.path("segscore", key) / PER_IMAGE) for key in keys]
        for test, keys in line["scores"].items()
        if all(store.has("segscore", key) for key in keys)
    }
    records = {test.removeprefix("test/"): f"segscore/{keys[0]}" for test, keys in line["scores"].items()}
    if not by_test:
        return []
    return [
        row for metric in METRICS for row in _metric_rows(manifest, line, by_test, records, metric)
    ]


def _metric_rows(
    manifest: Mapping[str, Any], line: Mapping[str, Any], by_test: Mapping[str, list[Rows]],
    records: Mapping[str, str], metric: str,
) -> list[ScoreRow]:  # fmt: skip
    seed = derive_seed(manifest["seed"], 0, "bootstrap", metric)
    common = _common(manifest, line["generator"]) | {"row": line["row"], "segmenter": line["segmenter"]}

    def row(test_set: str, chosen: Mapping[str, list[Rows]], value: float, bounds: tuple[float, float] | None,
            record: str, sd: float | None) -> ScoreRow:
        low, high = bounds if bounds else (None, None)
        count = sum(len(seeds[0]) for seeds in chosen.values())
        return ScoreRow(**common, test_set=test_set, metric=metric, value=value, low=low, high=high, n=count,
                        seeds=manifest["seeds"], sd=sd, record=record, better="higher")

    rows = []
    for test, seeds in by_test.items():
        averaged = {test: mean_over_seeds(seeds)}
        value, bounds = overall(averaged, metric), interval(averaged, metric, seed)
        rows.append(row(test, {test: seeds}, value, bounds, records[test], spread([{test: s} for s in seeds], metric)))
    averaged = {test: mean_over_seeds(seeds) for test, seeds in by_test.items()}
    return rows
