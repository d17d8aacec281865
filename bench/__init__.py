"""Benchmark and evaluation suite for mask-conditioned medical image generators.

`run`, `worth`, `controls`, `evaluate`, `score` and `power` do what the commands of these names do. Each raises
`bench.errors.BenchError`, one line with the remedy, for what the caller can mend, and TypeError for an option that does
not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from bench.version import __version__

if TYPE_CHECKING:
    from bench.report.evaluation import Scores
    from bench.workflows.certificate import Certified
    from bench.workflows.power import Power
    from bench.workflows.run import RunResult
    from bench.workflows.score import MapScores
    from bench.workflows.worth import WorthResult

__all__ = ["__version__", "controls", "evaluate", "power", "run", "score", "worth"]

Place = str | PathLike[str]


def run(generators: Sequence[str], dataset: str, data: Place | None = None, **options: Any) -> RunResult | None:
    """Train, sample, score and test as `python -m bench run` does; what is finished below `results` is not done again.

    `data` is the folder of the real images and masks. The other options are those of
    `bench.workflows.request.RunRequest`: `metrics`, `segmenters`, `repeats`, `settings` (`["siamese.steps=200"]`),
    `plugins` (files of your own), `results` … None and empty stand for the profile's choice.

    The result has `report` (the leaderboard), `files` (the tables), `notes` and `failures` (stages that did not
    finish); printing it shows the table. It is None in every process but the first of several that a launcher started.
    """
    from bench.progress.display import Display
    from bench.workflows.request import RunRequest
    from bench.workflows.run import run

    request = RunRequest.of(generators=generators, dataset=dataset, data=data, **options)
    return run(request, Display(lines=False))


def worth(
    generators: Sequence[str], dataset: str, fraction: int, data: Place | None = None, **options: Any
) -> WorthResult | None:
    """How many real pairs each generator's set stands for, as `python -m bench worth` says it.

    The generators see `fraction` percent of the real training pairs. The other options are those of
    `bench.workflows.request.WorthRequest`: `curve`, `segmenters`, `repeats`, `settings` …

    The result has `report` (with `sentences`, and `worths`, a number each), `files` (tables and pictures) and
    `failures`; printing it shows sentences and table. It is None in every process but the first of several that a
    launcher started.
    """
    from bench.progress.display import Display
    from bench.workflows.request import WorthRequest
    from bench.workflows.worth import worth

    request = WorthRequest.of(generators=generators, dataset=dataset, fraction=fraction, data=data, **options)
    return worth(request, Display(lines=False))


def controls(dataset: str, data: Place | None = None, null_repeats: int = 120, **options: Any) -> Certified | None:
    """The suite's own certificate, as `python -m bench controls` gives it: what had to happen to each number of the
    controls whose truth is known, whether it did, and how often a difference is claimed where there is none.

    `null_repeats` (0 or more): trainings of which false claims are counted. The other options are those of
    `bench.workflows.request.RunRequest`: `fraction`, `repeats`, `segmenters`, `settings` … `generators` are held
    against the best control.

    The result has `certificate` (with `checks`, `claims` and `holds`), `files` and `runs`; printing it shows the
    tables. It is None in every process but the first of several that a launcher started.
    """
    from bench.progress.display import Display
    from bench.workflows.certificate import certify
    from bench.workflows.request import RunRequest

    generators = options.pop("generators", ())
    request = RunRequest.of(generators=generators, dataset=dataset, data=data, **options)
    return certify(request, null_repeats, Display(lines=False))


def evaluate(real: Place, fake: Place, metrics: Sequence[str] | None = None, **options: Any) -> Scores:
    """Scores of a folder of synthetic images against a folder of real ones, as `python -m bench evaluate` gives them.

    Without `metrics`, all that train nothing and have here what they need. The other options are those of
    `bench.workflows.request.EvaluateRequest`: `settings` (`["kid.subsets=10"]`), `plugins` (files of your own),
    `weights` (a folder of weight files), `results` … What was scored before lies below `results` and is not computed
    again. BenchError too for a metric of `metrics` that cannot be computed; what the others gave is kept.

    >>> scores = evaluate("real", "synthetic", ["fid", "kid"])
    >>> row = scores["KD-Lite0"]
    >>> row.low <= row.value <= row.high
    True
    >>> print(scores.to("csv").splitlines()[0][:17])
    set,measure,bette
    """
    from bench.errors import BenchError
    from bench.progress.display import Display
    from bench.report.evaluation import Scores
    from bench.workflows.evaluate import evaluate
    from bench.workflows.request import EvaluateRequest

    if not isinstance(fake, (str, PathLike)):
        raise TypeError(f"fake={fake!r}: one folder a call; call it for each, the real images are not looked at again")
    request = EvaluateRequest.of(real=real, fakes=[fake], metrics=metrics, **options)
    evaluation = evaluate(request, Display(lines=False))
    for problem in evaluation.problems:
        raise BenchError(f"{problem.what}: {problem.message}")
    return Scores(evaluation)


def score(pred: Place, truth: Place, **options: Any) -> MapScores:
    """Scores of a folder of probability maps or masks against true masks, as `python -m bench score` gives them.

    `pred` holds 8-bit grey images, probability x 255, named as the masks in `truth` (or in its folder masks/). The
    other options are those of `bench.workflows.request.ScoreRequest`: `shape_scores`, `mask_suffix`, `mask_labels`,
    `max_pixels`, `seed`. The result has `scored.scores` and `images`; printing it shows the table.
    """
    from bench.progress.display import Display
    from bench.workflows.request import ScoreRequest
    from bench.workflows.score import score

    return score(ScoreRequest.of(pred=pred, truth=truth, **options), Display(lines=False))


def power(margin: float | None = None, results: Place | None = None, **options: Any) -> Power:
    """Repeats and test images that show a difference of `margin`, as `python -m bench power` plans them.

    The spread is that of a finished run below `results`, or is given: the other options are those of
    `bench.workflows.request.PowerRequest`: `run`, `repeats`, `images`, `sd_repeats`, `sd_images`, `sd_both`. The result
    has `design`, with the numbers; printing it shows the table.

    >>> plan = power(0.02, images=800, sd_images=0.15, sd_repeats=0.01)
    >>> plan.design.repeats_needed
    7
    """
    from bench.workflows.power import power
    from bench.workflows.request import PowerRequest

    return power(PowerRequest.of(margin=margin, results=results, **options))
