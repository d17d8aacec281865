"""What commands that compute show alike: a plan, and what did not finish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.progress.terminal import say, show

if TYPE_CHECKING:
    from bench.engine.runner import Failure
    from bench.workflows.dry_run import DryRun


def show_plan(planned: DryRun | None) -> int:
    """The exit code: 2 where there is no plan."""
    from bench.workflows.setup import list_missing

    if planned is None:
        return 0
    if planned.missing:
        show(list_missing(planned.missing) if len(planned.missing) > 1 else f"missing: {planned.missing[0]}")
    for line in planned.lines:
        show(line)
    if not planned.lines:
        show("no plan: it needs the data")
        return 2
    show("images and masks were matched by name; a run opens each of them before it computes anything")
    return 0


def show_failures(failures: Sequence[Failure]) -> int:
    """The exit code. The first in full; the others, and what waits for them, were reported as they came."""
    if not failures:
        return 0
    causes = [failure for failure in failures if not failure.blocked]
    first = next((failure for failure in causes if failure.ours), causes[0])
    more = f" ({len(causes) - 1} more failed, see above)" if len(causes) > 1 else ""
    waiting = len(failures) - len(causes)
    say(
        f"bench: {first.stage.label}: {first.message}{more}; what finished is kept and the same command resumes"
        + (f" ({waiting} stages wait for it)" if waiting else "")
    )
    return 1 if first.ours else 2
