"""The one way to a person's terminal: no letter and no reader that has gone ends a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

from bench.errors import BenchError
from bench.text import printable_lines

_COMMANDS: list[TextIO | None] = []
"""The standard output of each command that runs in this process, one within another."""


def replace_unknown_letters() -> None:
    """What a terminal's or a file's encoding has no letter for (an arrow in cp1252) is shown as a question mark."""
    for stream in (sys.stdout, sys.stderr):
        # Whoever calls the command from Python may have put another object there, or none.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


@contextmanager
def results_alone() -> Iterator[None]:
    """Inside, standard output is for what `show` prints; what others print goes to the error stream.

    A plugin's `print` would otherwise stand in the midst of a table that another program reads.
    """
    _COMMANDS.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _COMMANDS.pop()


def results() -> TextIO | None:
    """The stream of results; None where the program has none."""
    return _COMMANDS[-1] if _COMMANDS else sys.stdout


def show(text: str) -> None:
    """Print a result."""
    _print(text, results())


def say(text: str) -> None:
    """Print a line on how the work goes, or why it does not."""
    _print(text, sys.stderr)


def finish() -> None:
    """Hand over what Python still holds back of what others printed."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            _hand_over("", stream)


def _print(text: str, stream: TextIO | None) -> None:
    # A program without a terminal (pythonw, `>&-`) has no stream.
    if stream is not None:
        _hand_over(f"{printable_lines(text)}\n", stream)


def _hand_over(text: str, stream: TextIO) -> None:
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        # Python would try again, and complain again, when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        # A reader (head, less) that has gone needs no more; the work goes on.
        if not isinstance(error, BrokenPipeError):
            raise BenchError(f"{stream.name}: {error.strerror}; free some space, or send it elsewhere") from None
