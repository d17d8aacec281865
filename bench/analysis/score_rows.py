"""Reads a run's records back: manifest + store -> score rows, one number each."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.analysis.test_scores import Place, TestScores, interval, over_seeds, read_rows
from bench.contracts import TRAINING, Score
from bench.identity import derive_seed
from bench.identity import key as key_of
from bench.plugins.registry import split_name
from bench.segscores import METRICS, better
from bench.segscores.maps import SCORES_FILE
from bench.stats.bootstrap import combine, spread
from bench.store.artefacts import Store
from bench.store.score_file import Scored, load_scores

OVERALL = "overall"
OVERALL_UNWEIGHTED = "overall-unweighted"


@dataclass(frozen=True)
class ScoreRow:
    """One number of the tidy table. `test_set` is empty for metrics of a synthetic set; `sd` is over seeds.

    `settings` says where the run departs from its profile, `set_settings` where that concerns the synthetic set and its
    metrics; `synthetic` and `line` are keys that keep the sets and the trainings of two such runs apart. `n_clusters`:
    groups of test images, where one without a group stands alone. `pairs`: of an epoch of training; `updates`: of the
    optimiser, where it counts them.
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
    set_settings: str = ""
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
    n_clusters: int | None = None
    pairs: int | None = None
    updates: int | None = None


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


def _common(manifest: Mapping[str, Any], generator: str, segmenter: str, synthetic: str) -> dict[str, Any]:
    return {
        "settings": _settings(manifest, generator, segmenter),
        "set_settings": _settings(manifest, generator, ""),
        "synthetic": synthetic,
        "segmenter": segmenter,
        "dataset": manifest["dataset"]["name"],
        "data": manifest["dataset"]["fingerprint"][:12],
        "generator": generator,
        "masks": manifest["masks"],
        "profile": manifest["profile"],
        "base": manifest["bases"].get(generator, ""),
    }


def _settings(manifest: Mapping[str, Any], generator: str, segmenter: str) -> str:
    names = {"generator": generator, "segmenter": segmenter}
    return " ".join(one["text"] for one in manifest["settings"] if _concerns(one, names))


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
    read = read_line(manifest, line, store, failed)
    places = dict.fromkeys(place for one in read.values() for place in one.readings)
    common = _common(manifest, line["generator"], line["segmenter"], line["synthetic"]) | {
        "row": line["row"], "pairs": line["pairs"], "updates": _updates(line["models"], store),
        "seeds": manifest["seeds"], "line": key_of(line["scores"]),
    }  # fmt: skip
    rows = [row for place in places for row in _place_rows(common, line, read, place)]
    return sorted(rows, key=lambda row: METRICS.index(row.metric))


def read_line(
    manifest: Mapping[str, Any], line: Mapping[str, Any], store: Store, failed: Collection[str] = ()
) -> dict[str, TestScores]:
    """What a line scored on each test set whose records exist."""
    return {
        test: _read(test, keys, manifest["seed"], store)
        for test, keys in line["scores"].items()
        if all(_finished(store, "segscore", key, failed) for key in keys)
    }


def _read(test: str, keys: Sequence[str], seed: int, store: Store) -> TestScores:
    tables = [read_rows(store.path("segscore", key) / SCORES_FILE) for key in keys]
    return over_seeds(tables, derive_seed(seed, 0, "bootstrap", test))


def _updates(models: Sequence[str], store: Store) -> int | None:
    """Of each training; None where a network counts none, where its folder is gone, or where seeds differ."""
    counts = {_updates_of(model, store) for model in models}
    return counts.pop() if len(counts) == 1 else None


def _updates_of(model: str, store: Store) -> int | None:
    path = store.path("train", model) / TRAINING
    if not path.is_file():
        return None
    store.verify("train", model, only=TRAINING)
    return json.loads(path.read_text(encoding="utf-8"))["updates"]


def _place_rows(
    common: Mapping[str, Any], line: Mapping[str, Any], read: Mapping[str, TestScores], place: Place
) -> list[ScoreRow]:
    """A score on every test set in which it is defined, and over all sets."""
    metric, stratum = place
    common = {**common, "metric": metric, "better": better(metric), "stratum": stratum}
    having = {test: one for test, one in read.items() if place in one.readings}
    rows = []
    for test, one in having.items():
        low, high = one.interval(place) or (None, None)
        rows.append(
            ScoreRow(
                **common, test_set=test.removeprefix("test/"), value=one.value(place), low=low, high=high,
                n=one.readings[place].n, n_clusters=one.n_clusters(place), sd=one.sd(place),
                note=one.readings[place].note, record=_record(line, test),
            )
        )  # fmt: skip
    if len(having) < len(line["scores"]):
        # A set failed, or has no lesion: a mean over the rest would stand in one column with means over all.
        return rows
    common["record"] = _record(line, next(iter(having)))
    return rows + [_overall(common, list(having.values()), place, weighted) for weighted in (True, False)]


def _record(line: Mapping[str, Any], test: str) -> str:
    return f"segscore/{line['scores'][test][0]}"


def _overall(common: Mapping[str, Any], read: list[TestScores], place: Place, weighted: bool) -> ScoreRow:
    counts = [one.readings[place].n for one in read]
    value = combine([np.array([one.value(place)]) for one in read], counts, weighted)
    draws = [one.resampled(place) for one in read]
    known = [one for one in draws if one is not None]
    # A set of one cluster has no spread to add: an interval without it would be too narrow to print.
    combined = combine(known, counts, weighted) if len(known) == len(draws) else None
    low, high = interval(combined) or (None, None)
    by_seed = combine([np.array(one.values(place)) for one in read], counts, weighted)
    return ScoreRow(
        **common, test_set=OVERALL if weighted else OVERALL_UNWEIGHTED, value=float(value[0]), low=low, high=high,
        n=sum(counts), n_clusters=sum(one.n_clusters(place) for one in read), sd=spread(list(by_seed)),
        note="each set's own third" if place[1] else "",
    )  # fmt: skip
