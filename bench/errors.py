"""The one exception a user's mistake raises: a line that names the file or option and the remedy, or a list of such."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """A mistake the reader can mend: printed without a traceback, exit code 2."""


def first_line(error: BaseException) -> str:
    """What an exception says, in one line; its name where it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean …? Known: …` or `. Known: …`, for the end of a message."""
    names = sorted(known)
    plain = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), plain, n=1, cutoff=0.5)
    hint = f"; did you mean {plain[close[0]]}?" if close else "."
    return f"{hint} Known: {', '.join(names) or 'none'}"
