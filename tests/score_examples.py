"""Rows and scores of a small run, each field named flat and with a plain value where a test does not care."""

from __future__ import annotations

from typing import Any

from bench.analysis.estimate import Counts, Estimate
from bench.analysis.origin import Scope, SetOrigin, TrainedRow, Training
from bench.analysis.score_rows import RowScore, SetScore
from bench.contracts import Floor, Measure
from bench.segscores import better
from bench.store.run_manifest import Protocol, RunManifest, UsedData
from bench.store.score_file import Basis


def manifest(**changes: Any) -> RunManifest:
    """A run of one dataset with one test set, and nothing planned; `absent`, `seed` … may be changed by name."""
    data = {"asked": "d", "name": "d", "fingerprint": "f" * 64, "pairs": {"train": 5, "test/a": 9}}
    protocol = {
        "profile": "demo",
        "seed": 0,
        "repeats": 1,
        "vary": ("generator", "sample", "segmenter"),
        "margin": 0.01,
        "masks": "real",
        "reference": "train",
        "fraction": 100,
        "select": "last",
    }
    run: dict[str, Any] = dict.fromkeys(("bases", "varies", "generators", "segmenters", "filtered"), {})
    run["columns"] = ("mdice@256",)
    run |= dict.fromkeys(("controls", "unranked", "rows", "comparisons", "settings", "notes"), ())
    for name, value in changes.items():
        (data if name in ("pairs", "absent") else protocol if name in protocol else run)[name] = value
    return RunManifest(dataset=UsedData(**data), protocol=Protocol(**protocol), **run)


def scope(**changes: str) -> Scope:
    return Scope(**{"dataset": "d", "data": "f" * 12, "profile": "demo", **changes})


def trained_row(
    trained_on: str = "real",
    generator: str = "none",
    *,
    segmenter: str = "s",
    kind: str = "added",
    key: str = "r",
    synthetic: tuple[str, ...] = (),
    settings: str = "",
    set_settings: str = "",
    base: str = "",
    pairs: int | None = None,
    updates: int | None = None,
    repeats: int = 1,
    varied: tuple[str, ...] = (),
    selected_on_test: bool = False,
    control: bool = False,
    **place: str,
) -> TrainedRow:
    made = SetOrigin(
        scope=scope(**place),
        masks="real",
        generator=generator,
        base=base,
        synthetic=synthetic,
        settings=set_settings,
        varied=varied,
        control=control,
    )
    training = Training(
        scope=scope(**place),
        segmenter=segmenter,
        trained_on=trained_on,
        kind=kind,
        pairs=pairs,
        repeats=repeats,
        varied=varied,
        settings=settings,
        selected_on_test=selected_on_test,
        key=key,
    )
    return TrainedRow(made=made, training=training, updates=updates)


def row_score(
    row: TrainedRow,
    value: float = 0.5,
    low: float | None = None,
    high: float | None = None,
    *,
    metric: str = "mdice@256",
    test_set: str = "a",
    stratum: str = "",
    n: int = 9,
    clusters: int = 9,
    record: str = "segscore/r",
) -> RowScore:
    return RowScore(
        row=row,
        test_set=test_set,
        metric=metric,
        better=better(metric),
        stratum=stratum,
        estimate=Estimate(value, low, high),
        sd=None,
        counts=Counts(images=n, clusters=clusters),
        note="",
        record=record,
    )


def set_score(
    metric: str = "FD",
    value: float = 12.5,
    low: float | None = None,
    high: float | None = None,
    *,
    generator: str = "g",
    better: str = "lower",
    headline: bool = True,
    stratum: str = "",
    floor: Floor | None = None,
    n: int = 8,
    n_real: int = 9,
    basis: Basis | None = None,
    estimator: str = "",
    note: str = "",
    synthetic: tuple[str, ...] = ("set",),
    repeats: int = 1,
    sd: float | None = None,
    settings: str = "",
    control: bool = False,
    **place: str,
) -> SetScore:
    origin = SetOrigin(
        scope=scope(**place),
        masks="real",
        generator=generator,
        base="",
        synthetic=synthetic,
        settings=settings,
        control=control,
    )
    return SetScore(
        origin=origin,
        metric="m",
        space="e",
        measure=Measure(metric, better, headline),
        stratum=stratum,
        estimate=Estimate(value, low, high),
        sd=sd,
        repeats=repeats,
        floor=floor,
        n=n,
        n_real=n_real,
        basis=basis or Basis(),
        estimator=estimator,
        note=note,
        record="score/k",
    )
