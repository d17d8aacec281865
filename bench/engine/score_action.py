"""The `score` action: puts before a metric the sets it asks for, whole and by lesion size, and keeps what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.contracts import ImageSet, Sample, Score, Space, Split
from bench.data.lesion_size import thirds
from bench.data.pixel_cache import Picture
from bench.data.splits import named_after
from bench.engine.closest_pairs import draw_closest
from bench.engine.extraction import distances
from bench.engine.job import FEATURES_FILE, Job
from bench.errors import BenchError
from bench.images import squash_of
from bench.store.score_file import ALL, Scored, save_scores


def score_sets(job: Job) -> None:
    metric = job.plugin
    real, fake, space = _real(job), _fake(job), _space(job)
    found = {ALL: metric.score(real, fake, space, job.ctx)}
    if metric.stratified:
        for name, (ours, theirs) in thirds(real.samples, fake.samples, job.shares).items():
            found[name] = metric.score(real.rows(ours), fake.rows(theirs), space, job.ctx)
    groups = {sample.id: sample.group or sample.condition for sample in fake.samples}
    scored = [one for stratum, scores in found.items() for one in _in_order(job, scores, stratum, groups)]
    save_scores(job.workspace.out, scored, {**job.stage.extra["about"], "reference": job.stage.extra["reference"]})
    draw_closest(job.workspace.out, scored, real.samples, fake.samples)


def _in_order(job: Job, scores: Mapping[str, Score], stratum: str, groups: Mapping[str, str]) -> list[Scored]:
    """Scores as the metric has announced them; BenchError for others and for what is no number."""
    assert job.stage.chosen is not None
    name, measures = job.stage.chosen.name, {one.name: one for one in job.plugin.measures(job.stage.extra["label"])}
    for column, score in scores.items():
        if column not in measures:
            raise BenchError(f"metric {name} gave {column}, its measures are {', '.join(measures)}; mend it")
        if not np.isfinite([number for number in (score.value, score.low, score.high) if number is not None]).all():
            raise BenchError(f"metric {name}: {column} or its interval is not a finite number; mend it")
    return [
        Scored(measure, scores[column], stratum, tuple(groups.get(id, "") for id in scores[column].ids))
        for column, measure in measures.items()
        if column in scores
    ]


def _fake(job: Job) -> ImageSet:
    samples = job.pairs("fake")
    return ImageSet(samples, _array(job, "fake_features"), maps=_maps(job, "fake_maps", samples))


def _real(job: Job) -> ImageSet:
    tests = [role.removeprefix("real/") for role in job.stage.inputs if role.startswith("real/")]
    if not tests:
        return ImageSet(job.pairs("real"), _array(job, "real_features"), _array(job, "real_views"))
    parts = {test: job.pairs(f"real/{test}") for test in tests}
    samples = tuple(sample for test, part in parts.items() for sample in named_after(test, part))
    maps = tuple(path for test, part in parts.items() for path in _maps(job, f"real_maps/{test}", part) or ())
    return ImageSet(samples, maps=maps)


def _maps(job: Job, role: str, samples: Split) -> tuple[Path, ...] | None:
    """A segmenter's map of each sample; None where the stage has none."""
    if role not in job.stage.inputs:
        return None
    return tuple(job.folder(role) / f"{sample.id}.png" for sample in samples)


def _array(job: Job, role: str) -> np.ndarray | None:
    if role not in job.stage.inputs:
        return None
    return np.load(job.folder(role) / FEATURES_FILE, allow_pickle=False)


def _space(job: Job) -> Space:
    """With the pixels and the extractor's pair distances of samples, where the metric looks at any."""
    label, extractor = job.stage.extra["label"], job.stage.helper
    if "size" not in job.stage.extra:
        return Space(label)
    real = {sample.image for sample in job.pairs("real")}
    size = job.stage.extra["size"]

    def picture(sample: Sample) -> Picture:
        """Real images are squashed to the synthetic set's size first."""
        return Picture(sample.image, squash_of(sample.image, size) if sample.image in real else None)

    def pixels(sample: Sample) -> np.ndarray:
        return job.pixels.load([picture(sample)])[0]

    def measure(pairs: Sequence[tuple[Sample, Sample]]) -> np.ndarray:
        assert extractor is not None
        pictures = [(picture(one), picture(other)) for one, other in pairs]
        return distances(extractor.plugin, extractor.name, pictures, job.pixels, job.ctx, job.networks)

    return Space(label, measure if extractor else None, pixels)
