"""Where a workflow tells how it gets on. Results are returned, not shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.contracts.context import Progress
from bench.progress.bars import Terminal
from bench.progress.terminal import say


@dataclass(frozen=True)
class Display:
    """`say` takes a line; `progress` makes the bars and lines of a piece of work from its label."""

    say: Callable[[str], None]
    progress: Callable[[str], Progress] = Terminal


TERMINAL = Display(say)
"""Lines and bars on the error stream: the command line's."""

BARS = Display(lambda _: None)
"""Bars alone: the Python API's."""
