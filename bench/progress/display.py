"""What a person sees while a command works: one display with the time left; without a terminal a line now and then.

All other lines go to the log, where there is one; with `verbose` they are shown too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.progress import interrupt
from bench.progress.terminal import say
from bench.progress.time_left import TimeLeft, about
from bench.text import printable, printable_lines

INTERVAL = 30.0
"""Seconds between two lines where the error stream is no terminal."""
BAR_WIDTH = 20


@dataclass(kw_only=True)
class _Work:
    """What goes on now: a stage, or one of its passes through images or steps."""

    label: str
    total: int = 0
    unit: str = ""
    done: int = 0
    first: int = 0
    started: float = field(default_factory=time.monotonic)
    numbers: dict[str, float] = field(default_factory=dict)

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def share(self) -> float:
        """Of what had to be done when it began; 0: nothing has been done yet."""
        return (self.done - self.first) / (self.total - self.first) if self.total > self.first else 0.0

    def left(self) -> str:
        """`60/360 steps, 40 s left, 2.5 step/s`; empty for a stage that counts nothing."""
        if not self.total:
            return ""
        text = f"{self.done}/{self.total} {self.unit}s"
        share, elapsed = self.share(), self.elapsed()
        if share > 0 and elapsed > 0:
            pace = (self.done - self.first) / elapsed
            text += f", {about(elapsed / share - elapsed)} left, {pace:.3g} {self.unit}/s"
        return text

    def values(self) -> str:
        return ", ".join(f"{name}={value:.3g}" for name, value in self.numbers.items())


class _Bar:
    """One pass of a stage; `Bar` of the contracts."""

    def __init__(self, display: Display, work: _Work, before: _Work | None) -> None:
        self._display, self._work, self._before = display, work, before

    def update(self, steps: int = 1, **numbers: float) -> None:
        # Within a long stage too an interrupt that was swallowed ends the work.
        interrupt.check()
        self._work.done += steps
        self._work.numbers.update(numbers)
        self._display.refresh()

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *exc: object) -> None:
        self._display.now = self._before


@dataclass(frozen=True)
class _Labelled:
    """A `Progress` of the contracts whose lines begin with a label."""

    display: Display
    label: str

    def bar(self, total: int, unit: str, done: int = 0) -> _Bar:
        """A bar of this work; what went on before it goes on after it."""
        if done:
            self.display.note(f"{self.label}: goes on at {done} of {total} {unit}s")
        return self.display.bar(_Work(label=printable(self.label), total=total, unit=unit, done=done, first=done))

    def say(self, text: str) -> None:
        self.display.tell(f"{self.label}: {text}")


class Display:
    """Made once a command, used as a context.

    `verbose`: lines that are for the log are shown too. Without `lines` none is printed: the Python API's.
    """

    def __init__(self, verbose: bool = False, lines: bool = True) -> None:
        self.verbose, self.lines = verbose, lines
        self.log: Path | None = None
        self._before: list[str] = []
        self.now: _Work | None = None
        self.stages: TimeLeft | None = None
        self._count = 0
        self._live: Any = None
        self._last = time.monotonic()

    def __enter__(self) -> Display:
        if sys.stderr is not None and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(file=sys.stderr)
            self._live = Live(get_renderable=self._drawn, console=console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def progress(self, label: str) -> _Labelled:
        """Bars and lines of the work that `label` names."""
        return _Labelled(self, label)

    def bar(self, work: _Work) -> _Bar:
        bar = _Bar(self, work, self.now)
        self.now = work
        return bar

    def tell(self, text: str) -> None:
        """A line that a person should read although the work goes on."""
        self._write(text)
        if self.lines:
            say(text)

    def note(self, text: str) -> None:
        """A line for the log."""
        self._write(text)
        if self.lines and self.verbose:
            say(text)

    def open_log(self, log: Path) -> None:
        """From now on every line goes to this file with its time, after those that were told before."""
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as stream:
            stream.writelines(self._before)
        self._before = []

    def plan(self, stages: TimeLeft) -> None:
        """What the time left is reckoned from."""
        self.stages, self._count = stages, len(stages.todo)

    def skip(self, key: str) -> None:
        """The stage of this key need not run."""
        if self.stages is not None:
            self.stages.skipped(key)

    @contextmanager
    def stage(self, label: str, key: str) -> Iterator[_Labelled]:
        """The stage of this key runs inside."""
        self.now = _Work(label=printable(label))
        started = time.monotonic()
        try:
            yield self.progress(label)
        finally:
            self.now = None
            if self.stages is not None:
                self.stages.ended(key, time.monotonic() - started)
            self.refresh()

    def refresh(self) -> None:
        """Where no terminal is drawn to, a line after every `INTERVAL` seconds."""
        if self.lines and self._live is None and time.monotonic() - self._last >= INTERVAL:
            self._last = time.monotonic()
            say(": ".join(part for part in (self._whole(), self._present()) if part))

    def _write(self, text: str) -> None:
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {printable_lines(text)}\n"
        if self.log is None:
            self._before.append(line)
            return
        with self.log.open("a", encoding="utf-8") as stream:
            stream.write(line)

    def _whole(self) -> str:
        if self.stages is None:
            return ""
        done = self._count - len(self.stages.todo)
        left = self.stages.seconds(self.now.elapsed(), self.now.share()) if self.now else self.stages.seconds()
        return f"{done} of {self._count} stages" + (f", {about(left)} left" if left else "")

    def _present(self) -> str:
        if self.now is None:
            return ""
        return ", ".join(part for part in (self.now.label, self.now.left(), self.now.values()) if part)

    def _drawn(self) -> Any:
        """Up to three lines: the whole run, the present stage, its numbers."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        lines = Table.grid(padding=(0, 1))
        lines.add_column(no_wrap=True)
        lines.add_column(overflow="fold")
        if self.stages is not None:
            done = self._count - len(self.stages.todo)
            lines.add_row(ProgressBar(self._count, done, BAR_WIDTH), Text(f"run: {self._whole()}"))
        now = self.now
        if now is not None:
            bar = ProgressBar(now.total, now.done, BAR_WIDTH) if now.total else Text(" " * BAR_WIDTH)
            lines.add_row(bar, Text(": ".join(part for part in (now.label, now.left()) if part)))
        return Group(lines, *([Text(f"  {now.values()}", overflow="fold")] if now and now.numbers else []))
