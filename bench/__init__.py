"""Benchmark and evaluation suite for mask-conditioned medical image generators.

`run`, `evaluate` and `score` do what the commands of these names do. Each raises `bench.errors.BenchError`, one line
with the remedy, for what the caller can mend.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from bench.version import __version__

if TYPE_CHECKING:
    from bench.report.evaluation import Scores
    from bench.workflows.run import RunResult
    from bench.workflows.score import MapScores

__all__ = ["__version__", "evaluate", "run", "score"]

Place = str | PathLike[str]


def run(
    generators: Sequence[str],
    dataset: str,
    data: Place | None = None,
    *,
    metrics: Sequence[str] = (),
    segmenters: Sequence[str] = (),
    masks: str | None = None,
    reference: str | None = None,
    multiple: int | None = None,
    fraction: int | None = None,
    train_on: Sequence[str] = (),
    select: str | None = None,
    shape_scores: bool | None = None,
    seed: int | None = None,
    seeds: int | None = None,
    precision: str | None = None,
    batch_size: int | None = None,
    profile: str = "demo",
    settings: Sequence[str] = (),
    plugins: Sequence[Place] = (),
    weights: Place | None = None,
    download: bool = False,
    results: Place = "results",
    out: Place | None = None,
    image_suffix: str = "",
    mask_suffix: str = "",
    mask_labels: Sequence[str] = (),
    max_pixels: int | None = None,
    strict: bool = False,
    device: str = "auto",
    workers: int = 0,
) -> RunResult | None:
    """Train, sample, score and test as `python -m bench run` does; what is finished below `results` is not done again.

    Options are the command's. None and empty stand for the profile's choice. `data` is the folder of the real images
    and masks, `settings` are --set options (`"siamese.steps=200"`), `plugins` files with plugins of your own, `weights`
    a folder of weight files, `out` the folder of the tables. The result has `report` (the leaderboard), `files` (the
    tables), `notes` and `failures` (stages that did not finish); printing it shows the table. It is None in every
    process but the first of several that a launcher started. Raises `bench.errors.BenchError` for what cannot be run.
    """
    from pathlib import Path

    from bench.progress.display import Display
    from bench.workflows.request import RunRequest
    from bench.workflows.run import run

    _refuse_text(generators=generators, metrics=metrics, segmenters=segmenters, train_on=train_on)
    request = RunRequest(
        generators=tuple(generators),
        dataset=dataset,
        data=Path(data) if data else None,
        metrics=tuple(metrics),
        segmenters=tuple(segmenters),
        masks=masks,
        reference=reference,
        multiple=multiple,
        fraction=fraction,
        train_on=tuple(train_on),
        select=select,
        shape_scores=shape_scores,
        seed=seed,
        seeds=seeds,
        precision=precision,
        batch_size=batch_size,
        profile=profile,
        settings=tuple(settings),
        plugins=tuple(map(Path, plugins)),
        weights=Path(weights) if weights else None,
        download=download,
        results=Path(results),
        out=Path(out) if out else None,
        image_suffix=image_suffix,
        mask_suffix=mask_suffix,
        mask_labels=tuple(mask_labels),
        max_pixels=max_pixels,
        strict=strict,
        device=device,
        workers=workers,
    )
    return run(request, Display(lines=False))


def evaluate(
    real: Place,
    fake: Place,
    metrics: Sequence[str] | None = None,
    *,
    segmenters: Sequence[str] = (),
    profile: str = "demo",
    settings: Sequence[str] = (),
    plugins: Sequence[Place] = (),
    results: Place = "results",
    device: str = "auto",
    workers: int = 0,
    seed: int | None = None,
    weights: Place | None = None,
    download: bool = False,
    image_suffix: str = "",
    mask_suffix: str = "",
    mask_labels: Sequence[str] = (),
    max_pixels: int | None = None,
    strict: bool = False,
) -> Scores:
    """Scores of a folder of synthetic images against a folder of real ones, as `python -m bench evaluate` gives them.

    Without `metrics`, all that train nothing and have here what they need. `settings` are --set options
    (`"kid.subsets=10"`), `plugins` files with metrics or extractors of your own, `weights` a folder of weight files.
    `image_suffix` and `mask_suffix` are endings of file names, `mask_labels` says what is lesion in masks of labels
    (`["1", "#800000"]`), pictures of more than `max_pixels` are refused (None: `bench.images.MAX_PIXELS`), and `strict`
    refuses repeated images. What was scored before lies below `results` and is not computed again. Raises
    `bench.errors.BenchError`, one line with the remedy, for a folder that cannot be read and for a metric of `metrics`
    that cannot be computed; what the others gave is kept.

    >>> scores = evaluate("real", "synthetic", ["fid", "kid"])
    >>> row = scores["KD-Lite0"]
    >>> row.low <= row.value <= row.high
    True
    >>> print(scores.to("csv").splitlines()[0][:17])
    set,measure,bette
    """
    _refuse_text(metrics=metrics)
    if not isinstance(fake, (str, PathLike)):
        raise TypeError(f"fake={fake!r}: one folder a call; call it for each, the real images are not looked at again")
    from pathlib import Path

    from bench.errors import BenchError
    from bench.progress.display import Display
    from bench.report.evaluation import Scores
    from bench.workflows.evaluate import evaluate
    from bench.workflows.request import EvaluateRequest

    request = EvaluateRequest(
        real=Path(real),
        fakes=(Path(fake),),
        metrics=tuple(metrics or ()),
        segmenters=tuple(segmenters),
        profile=profile,
        settings=tuple(settings),
        plugins=tuple(map(Path, plugins)),
        results=Path(results),
        device=device,
        workers=workers,
        seed=seed,
        weights=Path(weights) if weights else None,
        download=download,
        image_suffix=image_suffix,
        mask_suffix=mask_suffix,
        mask_labels=tuple(mask_labels),
        max_pixels=max_pixels,
        strict=strict,
    )
    found = evaluate(request, Display(lines=False))
    for trouble in found.troubles:
        raise BenchError(f"{trouble.what}: {trouble.message}")
    return Scores(found)


def score(
    pred: Place,
    truth: Place,
    *,
    mask_suffix: str = "",
    mask_labels: Sequence[str] = (),
    max_pixels: int | None = None,
    shape_scores: bool = False,
    seed: int = 0,
) -> MapScores:
    """Scores of a folder of probability maps or masks against true masks, as `python -m bench score` gives them.

    `pred` holds 8-bit grey images, probability x 255, named as the masks in `truth` (or in its folder masks/).
    `mask_suffix` is the ending of the masks' names only, `mask_labels` says what is lesion in masks of labels, pictures
    of more than `max_pixels` are refused (None: `bench.images.MAX_PIXELS`). `shape_scores` adds S-measure, weighted F,
    HD95 and surface Dice. `seed` is that of the intervals' bootstrap. The result has `scored.scores` and `images`;
    printing it shows the table. Raises `bench.errors.BenchError` for maps and masks that do not belong together.
    """
    from pathlib import Path

    from bench.progress.display import Display
    from bench.workflows.request import ScoreRequest
    from bench.workflows.score import score

    request = ScoreRequest(
        pred=Path(pred),
        truth=Path(truth),
        mask_suffix=mask_suffix,
        mask_labels=tuple(mask_labels),
        max_pixels=max_pixels,
        shape_scores=shape_scores,
        seed=seed,
    )
    return score(request, Display(lines=False))


def _refuse_text(**lists: Sequence[str] | None) -> None:
    """A text is a list of letters to Python, and no name."""
    for name, value in lists.items():
        if isinstance(value, str):
            raise TypeError(f"{name}={value!r} is one name; write {name}=[{value!r}]")
