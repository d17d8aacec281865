"""The suite's own certificate: controls with known truth through a run, and what had to happen to their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from bench.analysis.certificate import Control, Evidence, checks, refuse_odd_truths
from bench.analysis.false_claims import FalseClaims, false_claims
from bench.analysis.sensitivity import sensitivities
from bench.contracts import SEGMENTER, Must
from bench.engine.runner import Failure
from bench.errors import BenchError
from bench.plugins.profile import MOST_REPEATS
from bench.plugins.registry import split_name
from bench.progress.display import Display
from bench.report.certificate_tables import FIELDS, TABLES, Certificate, record
from bench.report.document import records_csv
from bench.report.files import for_pages, page_names, replace_files
from bench.report.render import to_text
from bench.workflows.request import RunRequest
from bench.workflows.run import RunResult, run
from bench.workflows.setup import Choice, choose

BLOCKS = (1, 3)
"""Repeats of a verdict whose false claims are counted."""
LEAST_BLOCKS = 3


@dataclass(frozen=True, kw_only=True)
class Certified:
    """`certificate`: None where nothing has a score; `runs`: what it rests on; `files`: its tables on disk.

    Printing shows the tables.
    """

    certificate: Certificate | None
    runs: tuple[RunResult, ...]
    files: tuple[Path, ...]

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Stages that did not finish; the others' results are kept and the same request resumes."""
        return tuple(failure for run in self.runs for failure in run.failures)

    def __str__(self) -> str:
        return "\n\n".join(map(to_text, self.certificate.tables.values())) if self.certificate else ""


def certify(request: RunRequest, null_repeats: int, display: Display | None = None) -> Certified | None:
    """Run every control that fits the dataset at each of its doses; then, `null_repeats` times, trainings on the same
    pairs. The request's `generators` run too, and are held against the best control.

    BenchError as `run`, and for a negative number of null repeats. None in every process but the first of several that
    a launcher started.
    """
    refuse_null_repeats(null_repeats)
    controls = fitting_controls(request)
    first = run(with_doses(request, controls), display)
    null = _null_run(request, controls, null_repeats, display)
    return None if first is None else _certified(controls, first, null, _chosen(request).options.columns[0])


def with_doses(request: RunRequest, controls: Sequence[Control]) -> RunRequest:
    """The run that a certificate rests on."""
    names = (name for one in controls for name in one.generators)
    return replace(request, generators=(*request.generators, *names))


def fitting_controls(request: RunRequest) -> tuple[Control, ...]:
    """All that say what must happen to their numbers and work on the request's data, the user's own too."""
    # A dose that the request names takes part beside the control's own doses, and promises nothing.
    plain = [one for one in _chosen(request).generators if not split_name(one.name)[1]]
    found = [(one.name, one.plugin.doses, one.plugin.truths) for one in plain if one.plugin.truths]
    for name, doses, truths in found:
        refuse_odd_truths(name, doses, truths)
    return tuple(Control(name=name, doses=tuple(doses), truths=tuple(truths)) for name, doses, truths in found)


def _chosen(request: RunRequest) -> Choice:
    return choose(replace(request, controls=True))


def refuse_null_repeats(count: int) -> None:
    """BenchError for a number that no run takes."""
    if type(count) is not int or not 0 <= count <= MOST_REPEATS:
        raise BenchError(f"null repeats {count!r}: expected a whole number from 0 to {MOST_REPEATS}")


def _null_run(
    request: RunRequest, controls: tuple[Control, ...], repeats: int, display: Display | None
) -> RunResult | None:
    """Networks trained so often on the real pairs, and on nothing else; no set is measured anew."""
    equal = [name for one in controls for name in one.generators if _claims_nothing(one)]
    if not repeats or not equal:
        return None
    null = replace(request, generators=tuple(equal), repeats=repeats, vary=(SEGMENTER,), train_on=("real",))
    # The folder of the tables is the certificate's, and the old way to ask for repeats is no way to ask for these.
    return run(replace(null, out=None, seeds=None), display)


def _claims_nothing(control: Control) -> bool:
    return any(truth.must == Must.NO_CLAIM for truth in control.truths)


def _certified(controls: tuple[Control, ...], first: RunResult, null: RunResult | None, metric: str) -> Certified:
    """`metric`: the convention in which false claims are counted."""
    runs = (first, null) if null is not None else (first,)
    report = first.report
    if report is None:
        return Certified(certificate=None, runs=runs, files=())
    found = checks(controls, Evidence(report.sets, report.verdicts))
    certificate = Certificate(
        checks=tuple(found),
        claims=tuple(_claims(null, metric)) if null is not None else (),
        sensitivities=tuple(sensitivities(found, report.set_differences)),
    )
    return Certified(certificate=certificate, runs=runs, files=tuple(_written(certificate, first.files[0].parent)))


def _claims(null: RunResult, metric: str) -> Iterator[FalseClaims]:
    """Every network's trainings on the real pairs against others of them."""
    for row, size in product(null.report.rows if null.report else (), BLOCKS):
        if LEAST_BLOCKS * size <= row.training.repeats:
            yield false_claims(row, metric, size)


def _written(certificate: Certificate, folder: Path) -> list[Path]:
    """certificate.csv with every number, and each table as a page."""
    texts = {"certificate.csv": records_csv(FIELDS, map(record, certificate.checks))}
    for name, table in certificate.tables.items():
        texts |= for_pages(name, table)
    return replace_files(folder, texts, [*texts, *(name for table in TABLES for name in page_names(table))])
