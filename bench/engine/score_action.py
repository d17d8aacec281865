"""How scores are made: a metric gets the sets it asks for, whole and by lesion size; what it finds is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bench.contracts import ImageSet, Measure, Sample, Score, Space, Split
from bench.data.lesion_size import thirds
from bench.data.pixel_cache import Picture
from bench.data.splits import named_after
from bench.engine.closest_pairs import draw_closest
from bench.engine.job import Job
from bench.engine.score_check import check_scores
from bench.images import resize_needed
from bench.plan import actions as plan
from bench.plan.stage import Ref
from bench.plugins.resolved import ResolvedPlugin
from bench.store.score_file import ALL, Scored, save_scores

FEATURES_FILE = "features.npy"


def score_images(stage: plan.ScoreImages, job: Job) -> None:
    """Scores of two sets of images, with their features where the stage has any."""
    real = ImageSet(job.pairs(stage.real), _features(job, stage.real_features))
    fake = ImageSet(job.pairs(stage.fake), _features(job, stage.fake_features))
    _score(stage, job, real, fake, _space(stage, job, real.samples))


def score_maps(stage: plan.ScoreMaps, job: Job) -> None:
    """Scores of a segmenter's maps of synthetic and of real images; real ones bear the names of their sets."""
    parts = [(one, job.pairs(one.images)) for one in stage.held_out]
    samples = tuple(sample for one, part in parts for sample in named_after(one.name, part))
    real = ImageSet(samples, maps=tuple(path for one, part in parts for path in _maps(job, one.maps, part)))
    made = job.pairs(stage.fake)
    fake = ImageSet(made, maps=_maps(job, stage.fake_maps, made))
    _score(stage, job, real, fake, Space(stage.origin.label))


def _score(stage: plan.Score, job: Job, real: ImageSet, fake: ImageSet, space: Space) -> None:
    found = dict(_found(stage.metric, job, real, fake, space))
    groups = {sample.id: sample.group or sample.condition for sample in fake.samples}
    measures = stage.metric.plugin.measures(space.label)
    scored = [one for stratum, scores in found.items() for one in _in_order(measures, scores, stratum, groups)]
    about = asdict(stage.origin)
    save_scores(job.out, scored, {name: text for name, text in about.items() if name != "label"})
    draw_closest(job.out, scored, real.samples, fake.samples)


def _found(
    metric: ResolvedPlugin, job: Job, real: ImageSet, fake: ImageSet, space: Space
) -> Iterator[tuple[str, Mapping[str, Score]]]:
    """Scores over whole sets, then within each third by lesion size; BenchError for what is no score."""
    announced = [measure.name for measure in metric.plugin.measures(space.label)]

    def checked(ours: ImageSet, theirs: ImageSet) -> Mapping[str, Score]:
        scores = metric.plugin.score(ours, theirs, space, job.ctx)
        check_scores(metric.name, announced, scores)
        return scores

    yield ALL, checked(real, fake)
    if metric.plugin.stratified:
        for name, (ours, theirs) in thirds(real.samples, fake.samples, job.caches.lesions).items():
            yield name, checked(real.rows(ours), fake.rows(theirs))


def _in_order(
    measures: Sequence[Measure], scores: Mapping[str, Score], stratum: str, groups: Mapping[str, str]
) -> list[Scored]:
    """Scores in the order in which the metric announces them."""
    return [
        Scored(one, scores[one.name], stratum, tuple(groups.get(id, "") for id in scores[one.name].ids))
        for one in measures
        if one.name in scores
    ]


def _features(job: Job, ref: Ref | None) -> np.ndarray | None:
    return None if ref is None else np.load(job.folder(ref) / FEATURES_FILE, allow_pickle=False)


def _maps(job: Job, maps: Ref, samples: Split) -> tuple[Path, ...]:
    """A segmenter's map of each sample."""
    return tuple(job.folder(maps) / f"{sample.id}.png" for sample in samples)


def _space(stage: plan.ScoreImages, job: Job, real: Split) -> Space:
    """With the pixels, pair distances and turned images of samples, where the metric looks at any."""
    label, plugin = stage.origin.label, stage.metric.plugin
    if stage.extractor is None and not plugin.views:
        return Space(label)
    real_images = {sample.image for sample in real}

    def picture(sample: Sample, view: int = 0) -> Picture:
        """Real images are resized to the synthetic set's size first."""
        size = resize_needed(sample.image, stage.size) if sample.image in real_images else None
        return Picture(sample.image, size, view)

    def pixels(sample: Sample) -> np.ndarray:
        return job.caches.pixels.load([picture(sample)])[0]

    if stage.extractor is None:
        return Space(label, pixels=pixels)
    extraction = job.extraction(stage.extractor)

    def distances(pairs: Sequence[tuple[Sample, Sample]]) -> np.ndarray:
        return extraction.distances([(picture(one), picture(other)) for one, other in pairs])

    def turned(images: Sequence[tuple[Sample, int]]) -> np.ndarray:
        return extraction.features([picture(sample, view) for sample, view in images])

    if plugin.uses == "distances":
        return Space(label, distances, pixels)
    return Space(label, pixels=pixels, turned=turned)
