"""Reads a run's records back: manifest + store -> score rows, one number each."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.contracts import Score
from bench.registry import split_name
from bench.scorefile import Scored, load_scores
from bench.segscores import METRICS, aggregate, as_columns
from bench.spec import derive_seed
from bench.spec import key as key_of
from bench.stages import PER_IMAGE
from bench.stats import bounds, combine, draw_weights, mean_over_seeds, spread
from bench.store import Store

OVERALL = "overall"
OVERALL_UNWEIGHTED = "overall-unweighted"


@dataclass(frozen=True)
class ScoreRow:
    """One number of the tidy table. `test_set` is empty for metrics of a synthetic set; `sd` is over seeds.

    `settings` says where the run departs from its profile; `synthetic` and `line` are keys that keep the sets and the
    trainings of two such runs apart.
    """

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
    settings: str = ""
    synthetic: str = ""
    line: str = ""
    headline: bool = True
    stratum: str = ""
    n_real: int | None = None
    reference: str = ""
    backbone: str = ""
    weights: str = ""
    resize: str = ""
    estimator: str = ""
    floor: float | None = None
    floor_sd: float | None = None
    floor_n: int | None = None
    at_floor_n: float | None = None


@dataclass(frozen=True)
class Compared:
    """What one metric said of one synthetic set in one space."""

    generator: str
    metric: str
    space: str
    synthetic: str
    key: str
    about: Mapping[str, Any]
    scored: Sequence[Scored]


@dataclass(frozen=True)
class Tested:
    """Per-image columns of one line on one test set: one a seed, their mean, and the bootstrap's draws."""

    seeds: tuple[Mapping[str, np.ndarray], ...]
    mean: Mapping[str, np.ndarray]
    draws: np.ndarray | None
    record: str

    @property
    def n(self) -> int:
        return len(self.mean["tp"])

    def values(self, metric: str) -> list[float]:
        """One score a seed."""
        return [_plain(columns, metric) for columns in self.seeds]

    def resampled(self, metric: str) -> np.ndarray | None:
        return None if self.draws is None else aggregate(self.mean, metric, self.draws)


def score_rows(manifest: Mapping[str, Any], store: Store, failed: Collection[str] = ()) -> list[ScoreRow]:
    """Every number of a run whose record exists; what failed (its key is in `failed`) is simply not there.

    Raises BenchError for a record whose bytes have changed.
    """
    made = [row for one in compared(manifest, store, failed) for row in _set_scores(manifest, one)]
    return made + [row for line in manifest["lines"] for row in _line_scores(manifest, line, store, failed)]


def _finished(store: Store, action: str, key: str, failed: Collection[str]) -> bool:
    if key in failed or not store.has(action, key):
        return False
    store.verify(action, key)
    return True


def _plain(columns: Mapping[str, np.ndarray], metric: str) -> float:
    return float(aggregate(columns, metric, np.ones((1, len(columns["tp"]))))[0])


def _common(manifest: Mapping[str, Any], generator: str, segmenter: str, synthetic: str) -> dict[str, Any]:
    names = {"generator": generator, "segmenter": segmenter}
    concerned = [s["text"] for s in manifest["settings"] if _concerns(s, names)]
    return {
        "settings": " ".join(concerned),
        "synthetic": synthetic,
        "segmenter": segmenter,
        "dataset": manifest["dataset"]["name"],
        "data": manifest["dataset"]["fingerprint"][:12],
        "generator": generator,
        "masks": manifest["masks"],
        "profile": manifest["profile"],
        "base": manifest["bases"].get(generator, ""),
    }


def _concerns(setting: Mapping[str, str], names: Mapping[str, str]) -> bool:
    """A plugin's --set holds for all that bear its name, whatever follows their `:`."""
    name = names.get(setting["kind"], setting["name"])
    return setting["name"] in (name, split_name(name)[0])


def compared(manifest: Mapping[str, Any], store: Store, failed: Collection[str] = ()) -> list[Compared]:
    """Scores of every synthetic set whose record exists."""
    return [
        Compared(one["generator"], one["metric"], one["space"], one["synthetic"], one["key"],
                 *load_scores(store.path("score", one["key"])))
        for one in manifest["comparisons"] if _finished(store, "score", one["key"], failed)
    ]  # fmt: skip


def _set_scores(manifest: Mapping[str, Any], made: Compared) -> list[ScoreRow]:
    common = _common(manifest, made.generator, "", made.synthetic)
    place: dict[str, Any] = {"row": "", "test_set": "", "record": f"score/{made.key}"}
    return [
        ScoreRow(
            **common, **place, metric=one.measure.name, value=one.score.value, low=one.score.low,
            high=one.score.high, n=one.score.n_fake, n_real=one.score.n_real, seeds=1, sd=None,
            better=one.measure.better, headline=one.measure.headline, stratum=one.stratum, note=one.score.note,
            estimator=one.score.estimator, backbone=made.about["backbone"], weights=made.about["weights"],
            resize=made.about["resize"], reference=made.about["reference"], **_floor_of(one.score),
        )
        for one in made.scored
    ]  # fmt: skip


def _floor_of(score: Score) -> dict[str, Any]:
    if score.floor is None:
        return {}
    floor = score.floor
    return {"floor": floor.value, "floor_sd": floor.sd, "floor_n": floor.n, "at_floor_n": floor.at_n}


def _line_scores(
    manifest: Mapping[str, Any], line: Mapping[str, Any], store: Store, failed: Collection[str]
) -> list[ScoreRow]:
    tested = {
        test.removeprefix("test/"): _read(test, keys, manifest["seed"], store)
        for test, keys in line["scores"].items()
        if all(_finished(store, "segscore", key, failed) for key in keys)
    }
    rows = [row for metric in METRICS for row in _metric_rows(manifest, line, tested, metric)] if tested else []
    return sorted(rows, key=lambda row: METRICS.index(row.metric))


def _read(test: str, keys: Sequence[str], seed: int, store: Store) -> Tested:
    tables = []
    for key in keys:
        with (store.path("segscore", key) / PER_IMAGE).open(newline="", encoding="utf-8") as stream:
            tables.append(list(csv.DictReader(stream)))
    seeds = tuple(as_columns(table) for table in tables)
    draws = draw_weights([row["group"] for row in tables[0]], derive_seed(seed, 0, "bootstrap", test))
    return Tested(seeds, mean_over_seeds(seeds), draws, f"segscore/{keys[0]}")


def _metric_rows(
    manifest: Mapping[str, Any], line: Mapping[str, Any], tested: Mapping[str, Tested], metric: str
) -> list[ScoreRow]:
    common = _common(manifest, line["generator"], line["segmenter"], line["synthetic"]) | {
        "row": line["row"], "seeds": manifest["seeds"], "metric": metric, "better": "higher",
        "line": key_of(line["scores"]),
    }  # fmt: skip
    rows = []
    for test, scores in tested.items():
        low, high = bounds(scores.resampled(metric)) or (None, None)
        value, sd = _plain(scores.mean, metric), spread(scores.values(metric))
        rows.append(
            ScoreRow(**common, test_set=test, value=value, low=low, high=high, n=scores.n, sd=sd, record=scores.record)
        )
    if len(tested) < len(line["scores"]):
        # A set failed: a mean over the rest would stand in one column with means over all.
        return rows
    return rows + [_overall(common, list(tested.values()), metric, weighted) for weighted in (True, False)]


def _overall(common: Mapping[str, Any], tested: list[Tested], metric: str, weighted: bool) -> ScoreRow:
    counts = [scores.n for scores in tested]
    value = combine([np.array([_plain(scores.mean, metric)]) for scores in tested], counts, weighted)
    draws = [scores.resampled(metric) for scores in tested]
    known = [one for one in draws if one is not None]
    # A set of one cluster has no spread to add: an interval without it would be too narrow to print.
    low, high = (bounds(combine(known, counts, weighted)) if len(known) == len(draws) else None) or (None, None)
    by_seed = combine([np.array(scores.values(metric)) for scores in tested], counts, weighted)
    return ScoreRow(
        **common, test_set=OVERALL if weighted else OVERALL_UNWEIGHTED, value=float(value[0]), low=low, high=high,
        n=sum(counts), sd=spread(list(by_seed)), record=tested[0].record,
    )  # fmt: skip
