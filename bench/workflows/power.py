"""Repeats and test images for a wanted difference, from a finished run's records or from given standard deviations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.analysis.power_plan import Design, compared, mean_spread
from bench.analysis.records import RecordReader, unscored
from bench.analysis.score_rows import scored_runs
from bench.analysis.sources import WORDS
from bench.analysis.verdicts import Verdict, verdicts
from bench.contracts import SOURCES
from bench.errors import BenchError, did_you_mean
from bench.report.document import rendered
from bench.report.power_table import document
from bench.stats.power import ASSUMED_IMAGES, ASSUMED_REPEATS, Spread
from bench.store.artefacts import Store
from bench.store.run_manifest import RunManifest, load_manifests
from bench.workflows.request import PowerRequest

RESULTS = Path("results")
_REPEATS = 3
"""Where neither a run nor the request says how many."""


@dataclass(frozen=True, kw_only=True)
class Power:
    """`design`: what is planned from; `compared`: the run's comparisons that its spread is the mean of.

    Printing shows the table.
    """

    design: Design
    compared: Sequence[Verdict]
    notes: Sequence[str]

    def __str__(self) -> str:
        return self.to("table")

    def to(self, format: str) -> str:
        """As text: `table`, `json`, `csv`, `latex` or `markdown`."""
        return rendered(document(self.design, self.compared, self.notes), format)


def power(request: PowerRequest) -> Power:
    """Raises BenchError for a folder without a run, and for a run without a comparison."""
    return _of_numbers(request) if request.given else _of_run(request)


def _of_numbers(request: PowerRequest) -> Power:
    if request.images is None:
        raise BenchError("--images: is missing; say how many independent test images there are, or name --results")
    spread, notes = _spread(
        request, Spread(repeat=ASSUMED_REPEATS, image=ASSUMED_IMAGES), "what is not given is assumed"
    )
    design = Design(
        margin=request.margin,
        spread=spread,
        repeats=request.repeats or _REPEATS,
        images=request.images,
        groups=request.images,
    )
    return Power(design=design, compared=(), notes=notes)


def _of_run(request: PowerRequest) -> Power:
    results = request.results or RESULTS
    manifest = _manifest(results, request.run)
    records = RecordReader(Store(results / "store")).run(manifest)
    found, notes = compared(verdicts(scored_runs([records]))), unscored([records])
    if not found:
        raise BenchError(
            f"--run {manifest.run}: has no two rows whose difference on test images has an interval (every test set "
            "needs two groups); name another, or give --images"
        )
    # Of what was trained once nothing is known of the noise of repeats.
    repeated = [one for one in found if len(one.number.by_repeat) > 1]
    known = repeated or found
    origin = f"from run {manifest.run}"
    spread, told = _spread(request, _of_repeats(request, known), f"{origin}, the mean of {len(known)} comparison(s)")
    number = known[0].number
    images = request.images or number.counts.images
    design = Design(
        margin=request.margin,
        spread=spread,
        repeats=request.repeats or len(number.by_repeat),
        images=images,
        groups=max(2, round(number.counts.clusters * images / number.counts.images)),
        comparisons=found[0].comparisons or 1,
    )
    return Power(design=design, compared=found, notes=(*told, *_not_in_it(request, repeated), *notes))


def _of_repeats(request: PowerRequest, known: Sequence[Verdict]) -> Spread:
    """The mean over comparisons; a spread over repeats is assumed where each has one repeat."""
    spread = mean_spread(known)
    alone = all(len(one.number.by_repeat) == 1 for one in known)
    return replace(spread, repeat=ASSUMED_REPEATS) if alone and request.sd_repeats is None else spread


def _not_in_it(request: PowerRequest, repeated: Sequence[Verdict]) -> list[str]:
    """What the run's standard deviations do not hold."""
    if not repeated and request.sd_repeats is not None:
        return []
    if not repeated:
        return [
            "nothing was trained or sampled twice in the run, which says nothing of the noise of repeats: a standard "
            f"deviation of {ASSUMED_REPEATS:g} is assumed (--sd-repeats)"
        ]
    fixed = [WORDS[one] for one in SOURCES if not any(one in verdict.sources for verdict in repeated)]
    return [f"done once in the run, so in no standard deviation: {', '.join(fixed)}"] if fixed else []


def _spread(request: PowerRequest, known: Spread, origin: str) -> tuple[Spread, list[str]]:
    """What is given in place of what is known, and where each comes from."""
    given = {"repeat": request.sd_repeats, "image": request.sd_images, "both": request.sd_both}
    spread = replace(known, **{name: value for name, value in given.items() if value is not None})
    words = {"repeat": "over repeats", "image": "over test images", "both": "of one image in one repeat"}
    parts = [
        f"{getattr(spread, name):.2g} {words[name]}{'' if value is None else ' (given)'}"
        for name, value in given.items()
    ]
    source = f"; {origin}" if None in given.values() else ""
    return spread, [f"standard deviations of a paired difference: {', '.join(parts)}{source}"]


def _manifest(results: Path, run: str) -> RunManifest:
    """The run of this name, or the newest."""
    manifests = {one.run: one for one in load_manifests(results / "runs")}
    if not manifests:
        raise BenchError(
            f"{results / 'runs'}: no run to plan from; name --results, or give --images and standard deviations"
        )
    if run and run not in manifests:
        raise BenchError(f"--run {run}: no run of this name in {results / 'runs'}{did_you_mean(run, manifests)}")
    return manifests[run] if run else list(manifests.values())[-1]
