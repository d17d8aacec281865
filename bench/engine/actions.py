"""What each action of the graph does with its plugin: files in, files out."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from bench.contracts import Split
from bench.data.pixel_cache import Picture
from bench.data.random_masks import write_random_masks
from bench.data.splits import named_after
from bench.engine.extraction import Rows, embed
from bench.engine.job import FEATURES, FEATURES_FILE, Job
from bench.errors import BenchError
from bench.images import VIEWS, is_whole_png, squash_of
from bench.plan.stage import SELECT, Stage
from bench.plugins.sections import RandomMasks
from bench.segscores import score_folder
from bench.segscores.maps import SCORES_FILE
from bench.store.artefacts import Store
from bench.store.pair_index import index_masks, index_own_pairs, pair_with_masks, read_index
from bench.text import csv_text


def run_masks(job: Job) -> None:

    ranges = RandomMasks(**job.stage.extra["params"])
    conditions = write_random_masks(job.pairs("train"), job.workspace.out / "masks", job.ctx.seed, ranges)
    index_masks(job.workspace.out, conditions)


def run_fit(job: Job) -> None:
    job.plugin.fit(job.pairs("train"), job.workspace.out, job.ctx)


def run_sample(job: Job) -> None:
    _remove_damaged_pairs(job)
    conditions = repeat(job.pairs("conditions"), job.stage.extra.get("multiple", 1))
    job.plugin.sample(conditions, job.folder("model"), job.workspace.out, job.ctx)
    job.ctx.team.wait()
    if job.ctx.team.rank:
        return  # The first process indexes what all have made.
    index = index_own_pairs if job.plugin.own_masks else pair_with_masks
    absent = index(job.workspace.out, conditions)
    if absent:
        raise BenchError(
            f"generator {_name(job)} left {len(absent)} pairs incomplete, first {absent[0]}; "
            "sample() must write out/images/<id>.png for every condition"
        )
    made, promised = len(read_index(job.workspace.out, {})), job.plugin.pairs(len(conditions))
    if made != promised:
        raise BenchError(
            f"generator {_name(job)} left {made} pairs where its pairs() says {promised}; bring both to one number"
        )


def _remove_damaged_pairs(job: Job) -> None:
    """What a killed try left in `out` counts as finished: it must be whole, image and mask."""
    if job.ctx.team.rank == 0:
        folders = [job.workspace.out / name for name in ("images", "masks")]
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
    (job.workspace.out / FEATURES_FILE).write_bytes(written.getbuffer())


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
    job.plugin.fit(train, val, job.workspace.out, job.ctx, select)


def run_predict(job: Job) -> None:
    job.plugin.predict(job.pairs("images"), job.folder("model"), job.workspace.out, job.ctx)


def run_segscore(job: Job) -> None:
    rows = score_folder(job.pairs("truth"), job.folder("maps"), job.stage.extra.get("shape", False))
    text = csv_text(list(rows[0]), (list(row.values()) for row in rows))
    (job.workspace.out / SCORES_FILE).write_text(text, encoding="utf-8")


def _name(job: Job) -> str:
    assert job.stage.chosen is not None
    return job.stage.chosen.name


def run_score(job: Job) -> None:
    from bench.engine.score_action import score_sets

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
