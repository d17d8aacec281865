"""Benchmark and evaluation suite for mask-conditioned medical image generators."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from bench.version import __version__

if TYPE_CHECKING:
    from bench.report.evaluation import Scores

__all__ = ["__version__", "evaluate"]


def evaluate(
    real: str | PathLike[str],
    fake: str | PathLike[str],
    metrics: Sequence[str] | None = None,
    *,
    segmenters: Sequence[str] = (),
    profile: str = "demo",
    settings: Sequence[str] = (),
    plugins: Sequence[str | PathLike[str]] = (),
    results: str | PathLike[str] = "results",
    device: str = "auto",
    workers: int = 0,
    seed: int | None = None,
    weights: str | PathLike[str] | None = None,
    download: bool = False,
    image_suffix: str = "",
    mask_suffix: str = "",
    mask_labels: Sequence[str] = (),
    max_pixels: int = 100_000_000,
    strict: bool = False,
) -> Scores:
    """Scores of a folder of synthetic images against a folder of real ones, as `python -m bench evaluate` gives them.

    Without `metrics`, all that train nothing and have here what they need. `settings` are --set options
    (`"kid.subsets=10"`), `plugins` files with metrics or extractors of your own, `weights` a folder of weight files.
    `image_suffix` and `mask_suffix` are endings of file names, `mask_labels` says what is lesion in masks of labels
    (`["1", "#800000"]`), pictures of more than `max_pixels` are refused, and `strict` refuses repeated images.
    What was scored before lies below `results` and is not computed again. Raises `bench.errors.BenchError`, one line
    with the remedy, for a folder that cannot be read and for a metric of `metrics` that cannot be computed; what the
    others gave is kept.

    >>> scores = evaluate("real", "synthetic", ["fid", "kid"])
    >>> row = scores["KD-Lite0"]
    >>> row.low <= row.value <= row.high
    True
    >>> print(scores.to("csv").splitlines()[0][:17])
    set,measure,bette
    """
    if isinstance(metrics, str):
        raise TypeError(f"metrics={metrics!r} is one name; write metrics=[{metrics!r}]")
    if not isinstance(fake, (str, PathLike)):
        raise TypeError(f"fake={fake!r}: one folder a call; call it for each, the real images are not looked at again")
    from pathlib import Path

    from bench.errors import BenchError
    from bench.report.evaluation import Scores
    from bench.workflows.evaluate import Request, evaluate_folders

    found = evaluate_folders(
        Request(
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
        ),
        say=lambda _: None,
    )
    for trouble in found.troubles:
        raise BenchError(f"{trouble.what}: {trouble.message}")
    return Scores(found)
