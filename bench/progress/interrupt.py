"""Ctrl-C and SIGTERM end a command in one line, wherever they strike.

A signal raises KeyboardInterrupt in whatever code runs. Libraries turn that into an error of their own, and a
destructor or a callback of C code prints and forgets it; so the signal is also remembered. Only a process that is the
command line watches signals: in anyone else's Python nothing here does anything.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType, TracebackType
from typing import Any

LINES = {
    # A terminal has just shown ^C on the line.
    signal.SIGINT: "\nbench: interrupted; the same command resumes",
    signal.SIGTERM: "bench: terminated; the same command resumes",
}


class _Watch:
    """`asked`: the first signal that came; `raising`: whether the work is still to be interrupted."""

    def __init__(self) -> None:
        self.asked: int | None = None
        self.raising = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked = self.asked or number
        self.check()

    def check(self) -> None:
        if self.raising and self.asked:
            raise KeyboardInterrupt

    def __enter__(self) -> None:
        self.raising = True
        self.check()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.raising = False


_WATCH = _Watch()
"""A process has one set of signal handlers, and so one memory of what came."""


def watch() -> None:
    """Answer Ctrl-C and SIGTERM from now on; what comes before `heeding` begins is raised as it begins."""
    for number in LINES:
        # A background job is started with Ctrl-C ignored, and stays so.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _WATCH)
    sys.unraisablehook = _unraisable
    os.register_at_fork(after_in_child=_leave)


def heeding() -> _Watch:
    """A context in which the signals raise KeyboardInterrupt; afterwards they are only remembered."""
    return _WATCH


def check() -> None:
    """KeyboardInterrupt where a signal came and the interrupt it raised was swallowed."""
    _WATCH.check()


def asked() -> int | None:
    """The signal that asked for the end."""
    return _WATCH.asked


def leave_termination() -> None:
    """SIGTERM ends the process at once: one that waits for others of its group, in C code, could not answer it."""
    if signal.getsignal(signal.SIGTERM) is _WATCH:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave() -> None:
    """A forked worker answers signals as any Python process: its parent counts on it."""
    leave_termination()
    if signal.getsignal(signal.SIGINT) is _WATCH:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _unraisable(one: Any) -> None:
    if not issubclass(one.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(one)
