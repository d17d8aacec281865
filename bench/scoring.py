"""The `score` action: puts before a metric the sets it asks for, whole and by lesion size, and keeps what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.contracts import ImageSet, Sample, Score, Space
from bench.embedding import batch_of, distances
from bench.pixels import Picture
from bench.scorefile import ALL, Scored, save_scores
from bench.stages import FEATURES_FILE, Job
from bench.strata import thirds


def score_sets(job: Job) -> None:
    metric, label = job.plugin, job.stage.extra["label"]
    real, fake, space = _real(job), _fake(job), Space(label, _distances(job))
    found = [(ALL, metric.score(real, fake, space, job.ctx))]
    if metric.stratified:
        for name, (ours, theirs) in thirds(real.samples, fake.samples).items():
            found.append((name, metric.score(real.rows(ours), fake.rows(theirs), space, job.ctx)))
    scored = [one for stratum, scores in found for one in _in_order(metric.measures(label), scores, stratum)]
    save_scores(job.desk.out, scored, {**job.stage.extra["about"], "reference": job.stage.extra["reference"]})


def _in_order(measures: Sequence, scores: Mapping[str, Score], stratum: str) -> list[Scored]:
    return [Scored(measure, scores[measure.name], stratum) for measure in measures if measure.name in scores]


def _fake(job: Job) -> ImageSet:
    samples, maps = job.pairs("fake"), None
    if "fake_maps" in job.stage.inputs:
        maps = tuple(job.folder("fake_maps") / f"{sample.id}.png" for sample in samples)
    return ImageSet(samples, _array(job, "fake_features"), None, maps)


def _real(job: Job) -> ImageSet:
    tests = [role.removeprefix("real/") for role in job.stage.inputs if role.startswith("real/")]
    if not tests:
        return ImageSet(job.pairs("real"), _array(job, "real_features"), _array(job, "real_views"))
    parts = [(test, job.pairs(f"real/{test}"), job.folder(f"real_maps/{test}")) for test in tests]
    samples = tuple(sample for _, part, _ in parts for sample in part)
    return ImageSet(samples, maps=tuple(folder / f"{sample.id}.png" for _, part, folder in parts for sample in part))


def _array(job: Job, role: str) -> np.ndarray | None:
    if role not in job.stage.inputs:
        return None
    return np.load(job.folder(role) / FEATURES_FILE, allow_pickle=False)


def _distances(job: Job):
    """Pair distances of the stage's extractor; real images are squashed to the synthetic set's size first."""
    extractor = job.stage.helper
    if extractor is None:
        return None
    real = {sample.image for sample in job.pairs("real")}
    size = job.stage.extra["size"]

    def picture(sample: Sample) -> Picture:
        return Picture(sample.image, tuple(size) if size and sample.image in real else None)

    def measure(pairs: Sequence[tuple[Sample, Sample]]) -> np.ndarray:
        pictures = [(picture(one), picture(other)) for one, other in pairs]
        return distances(
            lambda: extractor.plugin.open(job.ctx), pictures, batch_of(extractor.plugin), job.pixels, job.ctx
        )

    return measure
