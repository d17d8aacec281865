"""What each action of the graph does with its plugin: files in, files out."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.contracts import Context, Sample, Split
from bench.data import named_after
from bench.embedding import Rows, embed
from bench.errors import BenchError
from bench.images import VIEWS, is_whole_png, squash_of
from bench.networks import Networks
from bench.pairs import index_masks, index_own_pairs, pair_with_masks, read_index
from bench.pixels import Picture, Pixels
from bench.segscores import score_folder
from bench.stage import DATA, SELECT, Ref, Stage
from bench.store import Desk, Store
from bench.strata import LesionShares
from bench.text import csv_text

FEATURES = "features"
FEATURES_FILE = "features.npy"
PER_IMAGE = "per_image.csv"


@dataclass(frozen=True)
class Job:
    """A stage about to run: how to reach its inputs, where to write, what it may use."""

    stage: Stage
    store: Store
    splits: Mapping[str, Split]
    desk: Desk
    ctx: Context
    pixels: Pixels
    networks: Networks = field(default_factory=Networks)
    shares: LesionShares = field(default_factory=LesionShares)

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
        return read_index(self.folder(role), self._made_from(ref))

    def _made_from(self, ref: Ref) -> dict[str, Sample]:
        """The real pairs a stage was given, by id: those of other splits may bear the same ids."""
        given = self.store.record(ref.action, ref.key).get("identity", {}).get("inputs", {}).values()
        return {sample.id: sample for key in given for sample in self.splits.get(key, ())}


def run_masks(job: Job) -> None:
    from bench.datasets._masks import RandomMasks, write_random_masks

    ranges = RandomMasks(**job.stage.extra["params"])
    conditions = write_random_masks(job.pairs("train"), job.desk.out / "masks", job.ctx.seed, ranges)
    index_masks(job.desk.out, conditions)


def run_fit(job: Job) -> None:
    job.plugin.fit(job.pairs("train"), job.desk.out, job.ctx)


def run_sample(job: Job) -> None:
    _remove_damaged_pairs(job)
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
    made, promised = len(read_index(job.desk.out, {})), job.plugin.pairs(len(conditions))
    if made != promised:
        raise BenchError(
            f"generator {_name(job)} left {made} pairs where its pairs() says {promised}; bring both to one number"
        )


def _remove_damaged_pairs(job: Job) -> None:
    """What a killed try left in `out` counts as finished: it must be whole, image and mask."""
    if job.ctx.team.rank == 0:
        folders = [job.desk.out / name for name in ("images", "masks")]
        for path in sorted(path for folder in folders for path in folder.glob("*.png")):
            if path.is_file() and not is_whole_png(path):
                for folder in folders:
                    (folder / path.name).unlink(missing_ok=True)
                job.ctx.progress.say(f"{path}: damaged, and made again")
    job.ctx.team.wait()


def refuse_taken_names(conditions: Split, multiple: int) -> None:
    """BenchError where a second sample of a mask would bear the name of another pair, and take its place."""
    names = {sample.id for sample in conditions}
    taken = sorted(sample.id for sample in repeat(conditions, multiple)[len(conditions) :] if sample.id in names)
    if taken:
        raise BenchError(
            f"--multiple {multiple}: a second sample would be called {taken[0]}, as a pair of the training set is; "
            "rename that pair"
        )


def repeat(conditions: Split, multiple: int) -> Split:
    """Each condition `multiple` times: the copies have ids of their own, and so noise of their own."""
    copies = [
        replace(sample, id=f"{sample.id}-copy{number}", source=sample.id)
        for number in range(2, multiple + 1)
        for sample in conditions
    ]
    return (*conditions, *copies)


def repeat_to(samples: Split, count: int, seed: int) -> Split:
    """`count` pairs, no fewer than there are: all equally often, and some, drawn by the seed, once more."""
    whole, rest = divmod(count, len(samples))
    once_more = repeat(samples, whole + 1)[-len(samples) :]
    drawn = np.random.default_rng([seed, count]).permutation(len(samples))[:rest]
    return (*repeat(samples, whole), *(once_more[at] for at in sorted(drawn)))


def run_features(job: Job) -> None:
    samples = job.pairs("images")
    views = range(1, len(VIEWS)) if job.stage.extra.get("views") else (0,)
    places = [(sample.image, squash_of(sample.image, job.stage.extra["size"])) for sample in samples]
    pictures = [Picture(*place, view) for view in views for place in places]
    chosen = job.stage.chosen
    assert chosen is not None
    identity = {**chosen.identity, "weights": chosen.plugin.sha256}
    rows = Rows(job.ctx.cache / FEATURES, identity) if job.ctx.cache else None
    features = embed(chosen.plugin, chosen.name, pictures, rows, job.pixels, job.ctx, job.networks)
    shape = (len(views), len(samples), -1) if job.stage.extra.get("views") else features.shape
    # NumPy's own way to a file does not tell that the disk is full.
    written = io.BytesIO()
    np.save(written, features.reshape(shape), allow_pickle=False)
    (job.desk.out / FEATURES_FILE).write_bytes(written.getbuffer())


def run_train(job: Job) -> None:
    train = job.pairs("real") if "real" in job.stage.inputs else ()
    if "pairs" in job.stage.extra:
        train = repeat_to(train, job.stage.extra["pairs"], job.ctx.seed)
    if "synthetic" in job.stage.inputs:
        # Ids of both sets are the masks' ids: the prefix keeps them apart.
        train += tuple(replace(sample, id=f"synthetic-{sample.id}") for sample in job.pairs("synthetic"))
    val = job.pairs("val") if "val" in job.stage.inputs else ()
    tests = [role for role in job.stage.inputs if role.startswith(SELECT)]
    select = tuple(sample for role in tests for sample in named_after(role.removeprefix(SELECT), job.pairs(role)))
    job.plugin.fit(train, val, job.desk.out, job.ctx, select)


def run_predict(job: Job) -> None:
    job.plugin.predict(job.pairs("images"), job.folder("model"), job.desk.out, job.ctx)


def run_segscore(job: Job) -> None:
    rows = score_folder(job.pairs("truth"), job.folder("maps"), job.stage.extra.get("shape", False))
    text = csv_text(list(rows[0]), (list(row.values()) for row in rows))
    (job.desk.out / PER_IMAGE).write_text(text, encoding="utf-8")


def _name(job: Job) -> str:
    assert job.stage.chosen is not None
    return job.stage.chosen.name


def run_score(job: Job) -> None:
    from bench.scoring import score_sets

    score_sets(job)


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


def try_files(stages: Iterable[Stage], store: Store) -> None:
    """Have every plugin that is still to work open its files: a bad one is told before hours of others' work."""
    waiting = [stage for stage in stages if not store.has(stage.action, stage.key)]
    plugins = {(one.kind, one.name): one.plugin for stage in waiting for one in (stage.chosen, stage.helper) if one}
    for plugin in plugins.values():
        plugin.try_files()


def inputs_of(stage: Stage) -> tuple[Ref, ...]:
    """The stages that must be finished first."""
    return tuple(ref for ref in stage.inputs.values() if ref.action != DATA)
