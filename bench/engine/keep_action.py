"""Of a synthetic set the pairs that a rule keeps, as a set of their own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from bench.contracts import Sample
from bench.engine.job import Job
from bench.errors import BenchError
from bench.plan.actions import Keep
from bench.plan.keep_rule import Condition
from bench.plan.stage import Ref
from bench.store.pair_index import Entry, entry_of, write_index
from bench.store.score_file import Scored, load_scores


def keep_pairs(stage: Keep, job: Job) -> None:
    """Copies of the kept images and masks, and their index. BenchError where none is kept."""
    pairs, looked = job.pairs(stage.of), dict(zip(stage.rule.metrics, stage.scores, strict=True))
    passed = [_passing(one, _per_image(looked[one.metric], one, len(pairs), job)) for one in stage.rule.conditions]
    kept = [pair for pair in pairs if all(pair.id in ids for ids in passed)]
    if not kept:
        raise BenchError(f"--keep: of {len(pairs)} pairs none is {stage.rule}; loosen the rule")
    write_index(job.out, [_copied(pair, job) for pair in kept])


def _per_image(score: Ref, condition: Condition, count: int, job: Job) -> Scored:
    """The metric's first score, which has a value of each of so many images."""
    _, (first, *_) = load_scores(job.folder(score))
    valued = len(set(first.score.ids)) if first.score.per_image is not None else 0
    if valued < count:
        raise BenchError(
            f"--keep {condition}: {first.measure.name} has a value of {valued} of {count} images; name another metric"
        )
    if condition.best is not None and not first.measure.better:
        raise BenchError(
            f"--keep {condition}: {first.measure.name} says not which value is better; name another metric"
        )
    return first


def _passing(condition: Condition, scored: Scored) -> set[str]:
    """Ids of the images of which the condition holds."""
    assert scored.score.per_image is not None
    values: Mapping[str, float] = dict(zip(scored.score.ids, scored.score.per_image.tolist(), strict=True))
    if condition.best is not None:
        sign = -1 if scored.measure.better == "higher" else 1
        ranked = sorted(values, key=lambda name: (sign * values[name], name))
        return set(ranked[: max(1, round(len(ranked) * condition.best / 100))])
    low = -float("inf") if condition.at_least is None else condition.at_least
    high = float("inf") if condition.at_most is None else condition.at_most
    return {name for name, value in values.items() if low <= value <= high}


def _copied(pair: Sample, job: Job) -> Entry:
    places = {"images": pair.image, "masks": pair.mask}
    for folder, path in places.items():
        (job.out / folder).mkdir(exist_ok=True)
        shutil.copyfile(path, job.out / folder / f"{pair.id}.png")
    return entry_of(pair.id, pair)
