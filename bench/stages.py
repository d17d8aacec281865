"""What each action of the graph does with its plugin: files in, files out."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.contracts import Context, ImageSet, Sample, Split
from bench.errors import BenchError
from bench.graph import DATA, Ref, Stage
from bench.pairs import index_masks, index_own_pairs, pair_with_masks, read_index
from bench.segscores import score_folder
from bench.store import Desk, Store

FEATURES = "features.npy"
SCORES = "scores.json"
PER_IMAGE = "per_image.csv"


@dataclass(frozen=True)
class Job:
    """A stage about to run: how to reach its inputs, where to write, what it may use."""

    stage: Stage
    store: Store
    splits: Mapping[str, Split]
    desk: Desk
    ctx: Context

    @property
    def plugin(self) -> Any:
        assert self.stage.chosen is not None
        return self.stage.chosen.plugin

    def folder(self, role: str) -> Path:
        ref = self.stage.inputs[role]
        return self.store.path(ref.action, ref.key)

    def pairs(self, role: str) -> Split:
        """The pairs of a real split, or those a stage wrote."""
        ref = self.stage.inputs[role]
        if ref.action == DATA:
            return self.splits[ref.key]
        return read_index(self.folder(role), self._real_by_id())

    def _real_by_id(self) -> dict[str, Sample]:
        return {sample.id: sample for split in self.splits.values() for sample in split}


def run_masks(job: Job) -> None:
    from bench.datasets._masks import write_random_masks

    conditions = write_random_masks(job.pairs("train"), job.desk.out / "masks", job.ctx.seed)
    index_masks(job.desk.out, conditions)


def run_fit(job: Job) -> None:
    job.plugin.fit(job.pairs("train"), job.desk.out, job.ctx)


def run_sample(job: Job) -> None:
    conditions = repeat(job.pairs("conditions"), job.stage.extra.get("multiple", 1))
    job.plugin.sample(conditions, job.folder("model"), job.desk.out, job.ctx)
    job.ctx.team.wait()
    if job.ctx.team.rank:
        return  # The first process indexes what all have made.
    index = index_own_pairs if job.plugin.own_masks else pair_with_masks
    absent = index(job.desk.out, conditions)
    if absent:
        raise BenchError(
            f"generator {_name(job)} left {len(absent)} pairs incomplete, first {absent[0]}; "
            "sample() must write out/images/<id>.png for every condition"
        )


def repeat(conditions: Split, multiple: int) -> Split:
    """Each condition `multiple` times: the copies have ids of their own, and so noise of their own."""
    copies = [
        replace(sample, id=f"{sample.id}-copy{number}", source=sample.id)
        for number in range(2, multiple + 1)
        for sample in conditions
    ]
    return (*conditions, *copies)


def run_features(job: Job) -> None:
    images = [sample.image for sample in job.pairs("images")]
    size = job.stage.extra["size"]
    features = job.plugin.features(images, tuple(size) if size else None, job.ctx)
    if features.shape != (len(images), job.plugin.dim) or features.dtype != np.float32:
        raise BenchError(
            f"extractor {_name(job)} returned {features.dtype} {features.shape}, "
            f"its contract is float32 {(len(images), job.plugin.dim)}"
        )
    np.save(job.desk.out / FEATURES, features, allow_pickle=False)


def run_score(job: Job) -> None:
    sets = {}
    for role in ("real", "fake"):
        features = None
        if f"{role}_features" in job.stage.inputs:
            features = np.load(job.folder(f"{role}_features") / FEATURES, allow_pickle=False)
        sets[role] = ImageSet(job.pairs(role), features)
    scores = job.plugin.score(sets["real"], sets["fake"], job.stage.extra["label"], job.ctx)
    text = json.dumps({column: asdict(score) for column, score in scores.items()}, indent=1)
    (job.desk.out / SCORES).write_text(text, encoding="utf-8")


def run_train(job: Job) -> None:
    train = job.pairs("real") if "real" in job.stage.inputs else ()
    if "synthetic" in job.stage.inputs:
        # Ids of both sets are the masks' ids: the prefix keeps them apart.
        train += tuple(replace(sample, id=f"synthetic-{sample.id}") for sample in job.pairs("synthetic"))
    val = job.pairs("val") if "val" in job.stage.inputs else ()
    job.plugin.fit(train, val, job.desk.out, job.ctx)


def run_predict(job: Job) -> None:
    job.plugin.predict(job.pairs("images"), job.folder("model"), job.desk.out, job.ctx)


def run_segscore(job: Job) -> None:
    rows = score_folder(job.pairs("truth"), job.folder("maps"))
    with (job.desk.out / PER_IMAGE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _name(job: Job) -> str:
    assert job.stage.chosen is not None
    return job.stage.chosen.name


ACTIONS: Mapping[str, Callable[[Job], None]] = {
    "masks": run_masks,
    "fit": run_fit,
    "sample": run_sample,
    "features": run_features,
    "score": run_score,
    "train": run_train,
    "predict": run_predict,
    "segscore": run_segscore,
}


def inputs_of(stage: Stage) -> tuple[Ref, ...]:
    """The stages that must be finished first."""
    return tuple(ref for ref in stage.inputs.values() if ref.action != DATA)
