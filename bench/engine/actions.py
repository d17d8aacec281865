"""How each action is done: files in, files out. What it reads and what decides its result: `bench.plan.actions`."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from bench.contracts import Split
from bench.data.pixel_cache import Picture
from bench.data.random_masks import write_random_masks
from bench.data.repeats import COPY, repeat, repeat_to
from bench.data.splits import named_after
from bench.engine.device import check_device
from bench.engine.job import Job
from bench.engine.keep_action import keep_pairs
from bench.engine.score_action import FEATURES_FILE, score_images, score_maps
from bench.errors import BenchError
from bench.images import is_whole_png, resize_needed, size_of
from bench.plan.actions import Features, Fit, Keep, Masks, Predict, Sample, ScoreImages, ScoreMaps, SegScore, Train
from bench.plan.stage import Stage
from bench.segscores import score_folder
from bench.segscores.maps import SCORES_FILE
from bench.store.artefacts import Store
from bench.store.pair_index import index_masks, index_own_pairs, pair_with_masks, read_index
from bench.text import csv_text


def perform(stage: Stage, job: Job) -> None:
    """Do a stage's work. Its inputs are finished; what it writes below `job.out` is kept.

    BenchError for what the user or the author of a plugin can mend.
    """
    match stage:
        case Masks():
            make_masks(stage, job)
        case Fit():
            stage.generator.plugin.fit(job.pairs(stage.train), job.out, job.ctx)
        case Sample():
            make_set(stage, job)
        case Keep():
            keep_pairs(stage, job)
        case Features():
            extract_features(stage, job)
        case ScoreImages():
            score_images(stage, job)
        case ScoreMaps():
            score_maps(stage, job)
        case Train():
            train_segmenter(stage, job)
        case Predict():
            stage.segmenter.plugin.predict(job.pairs(stage.of), job.folder(stage.model), job.out, job.ctx)
        case SegScore():
            score_segmentation(stage, job)
        case _:
            raise TypeError(f"nothing does {type(stage).__name__}")


def try_device_and_files(stages: Iterable[Stage], store: Store, device: str) -> None:
    """Have torch find the device, and every plugin that is still to work open its files: what is bad is told before
    hours of others' work. Where all is in the store, neither is needed and torch is not imported."""
    waiting = [stage for stage in stages if not store.has(stage.action, stage.key)]
    if waiting:
        check_device(device)
    plugins = {(one.kind, one.name): one.plugin for stage in waiting for one in stage.plugins}
    for plugin in plugins.values():
        plugin.try_files()


def make_masks(stage: Masks, job: Job) -> None:
    """Random masks, and an index of them."""
    conditions = write_random_masks(job.pairs(stage.train), job.out / "masks", stage.seed, stage.ranges)
    index_masks(job.out, conditions)


def make_set(stage: Sample, job: Job) -> None:
    """A synthetic set, and an index of its pairs. BenchError where the generator leaves others than it promised."""
    generator, ctx = stage.generator.plugin, job.ctx
    if ctx.processes.rank == 0:
        _remove_damaged_pairs(job)
    ctx.processes.barrier()
    conditions = repeat(job.pairs(stage.conditions), stage.multiple)
    generator.sample(conditions, job.folder(stage.model), job.out, ctx)
    ctx.processes.barrier()
    if ctx.processes.rank:
        return  # The first process indexes what all have made.
    index = index_own_pairs if generator.own_masks else pair_with_masks
    absent = index(job.out, conditions)
    if not absent and not generator.own_masks:
        _refuse_other_size(stage, job, conditions)
    if absent:
        raise BenchError(
            f"generator {stage.generator.name} left {len(absent)} pairs incomplete, first {absent[0]}; "
            "sample() must write out/images/<id>.png for every condition"
        )
    made, promised = len(read_index(job.out, {})), generator.pairs(len(conditions))
    if made != promised:
        raise BenchError(
            f"generator {stage.generator.name} left {made} pairs where its pairs() says {promised}; "
            "bring both to one number"
        )


def _refuse_other_size(stage: Sample, job: Job, conditions: Split) -> None:
    """BenchError for an image of another shape than its generator promises: its mask would be stretched over it."""
    promised = stage.generator.plugin.size()
    wanted = {job.out / "images" / f"{one.id}.png": promised or size_of(one.mask) for one in conditions}
    found = {path: size_of(path) for path in wanted}
    wrong = [path for path in wanted if found[path] != wanted[path]]
    # What is left counts as finished at the next try.
    for path in wrong:
        path.unlink()
    if wrong:
        first, why = wrong[0], "as its size() says" if promised else "as its mask has: it declares no size()"
        raise BenchError(
            f"generator {stage.generator.name} left {len(wrong)} images of another size, first {first.name} of "
            f"{_x(found[first])} px, not {_x(wanted[first])} {why}"
        )


def _x(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _remove_damaged_pairs(job: Job) -> None:
    """What a killed try left in `out` counts as finished: it must be whole, image and mask."""
    folders = [job.out / name for name in ("images", "masks")]
    for path in sorted(path for folder in folders for path in folder.glob("*.png")):
        if path.is_file() and not is_whole_png(path):
            for folder in folders:
                (folder / path.name).unlink(missing_ok=True)
            job.ctx.progress.say(f"{path}: damaged, and made again")


def extract_features(stage: Features, job: Job) -> None:
    """`features.npy`: float32 (n, dim)."""
    images = [sample.image for sample in job.pairs(stage.of)]
    pictures = [Picture(image, resize_needed(image, stage.size)) for image in images]
    features = job.extraction(stage.extractor).features(pictures)
    # NumPy's own way to a file does not tell that the disk is full.
    written = io.BytesIO()
    np.save(written, features, allow_pickle=False)
    (job.out / FEATURES_FILE).write_bytes(written.getbuffer())


def train_segmenter(stage: Train, job: Job) -> None:
    """A trained segmenter: real pairs first, then synthetic ones under ids of their own; all repeated as asked."""
    # Ids of both sets are the masks' ids: the prefix keeps them apart.
    synthetic = tuple(replace(sample, id=f"synthetic-{sample.id}") for sample in job.pairs(stage.synthetic))
    if stage.synthetic_to is not None:
        synthetic = repeat_to(synthetic, stage.synthetic_to, stage.seed, "again")
    pairs = (*job.pairs(stage.real), *synthetic)
    if stage.repeated_to is not None:
        # A generator that makes two images a mask has called the second a copy.
        pairs = repeat_to(pairs, stage.repeated_to, stage.seed, "again" if synthetic else COPY)
    select = tuple(sample for test, ref in stage.select.items() for sample in named_after(test, job.pairs(ref)))
    stage.segmenter.plugin.fit(pairs, job.pairs(stage.val), job.out, job.ctx, select)


def score_segmentation(stage: SegScore, job: Job) -> None:
    """`per_image.csv`: the scores of each map."""
    rows = score_folder(job.pairs(stage.truth), job.folder(stage.maps), stage.shape)
    text = csv_text(list(rows[0]), (list(row.values()) for row in rows))
    (job.out / SCORES_FILE).write_text(text, encoding="utf-8")
