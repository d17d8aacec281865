"""What an exception says in one line, and which line of a user's own plugin it comes from."""

from __future__ import annotations

import traceback
from importlib.metadata import entry_points

from bench.contracts import CONTRACTS
from bench.errors import first_line

FILE = "bench_plugin_"
"""How the module of a --plugin file is called, before its stem."""


def said(error: BaseException) -> str:
    """The exception's name and the first line of its text."""
    name, text = type(error).__name__, first_line(error)
    return name if text == name else f"{name}: {text}"


def located(error: BaseException) -> str:
    """`said`, after file and line of the user's plugin where one took part."""
    place = own_line(error)
    return f"{place[0]}: line {place[1]}: {said(error)}" if place else said(error)


def own_line(error: BaseException) -> tuple[str, int] | None:
    """File and number of the innermost line of a --plugin file or of a package that registers plugins.

    What Python could not read has no line that runs, but says where it stands. None: no plugin of the user's took part.
    """
    packages = {point.module.partition(".")[0] for kind in CONTRACTS for point in entry_points(group=f"bench.{kind}s")}
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        module = frame.f_globals.get("__name__") or ""
        if module.startswith(FILE) or module.partition(".")[0] in packages:
            return frame.f_code.co_filename, line
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return error.filename, error.lineno
    return None
