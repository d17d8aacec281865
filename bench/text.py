"""Texts from outside (names of files, groups, messages of libraries) made harmless for the place that shows them."""

from __future__ import annotations

import csv
import io
import json
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

WIDTH = 100
"""Characters of a line for a terminal."""

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, marks and overrides of the direction of writing, line separators, halves of a UTF-16 pair (which
stand for the bytes of a file name that is not UTF-8): a terminal obeys them or shows nothing."""

_UNSEEN_IN_LINES = re.compile(rf"(?![\n\t]){_UNSEEN.pattern}")

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula, in full width too."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_GUARD = "'"


def printable(text: str) -> str:
    r"""In one line, with everything that would act on a terminal written out: `\x1b`, `\u202e`."""
    return _UNSEEN.sub(_written_out, text)


def printable_lines(text: str) -> str:
    """As `printable`; line feeds and tabs stay."""
    return _UNSEEN_IN_LINES.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def sentence(text: str) -> str:
    """Printable, with one blank for any white space: a message of several lines has none of its own in a table."""
    return printable(" ".join(text.split()))


def listed(names: Sequence[str], shown: int = 3) -> str:
    """The first names, and how many more there are: `a, b, c and 2 more`."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def wrapped(text: str, indent: str = "  ") -> list[str]:
    """Lines of at most `WIDTH` characters; a longer word stands alone. `indent`: before all lines but the first."""
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def guarded(text: str) -> str:
    """Printable, and read by a spreadsheet as text: an apostrophe stands before what would be a formula, and before an
    apostrophe, so that `unguarded` gives the text back. A number stays as it is."""
    text = printable(text)
    risky = text.startswith((*_FORMULA, _GUARD)) and not _NUMBER.fullmatch(text)
    return f"{_GUARD}{text}" if risky else text


def unguarded(cell: str) -> str:
    """The text that `guarded` has made the cell of."""
    return cell.removeprefix(_GUARD)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with `\n` between its lines: texts are guarded, numbers written in full precision, None is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for row in (header, *rows):
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in row])
    return stream.getvalue()


def json_text(value: Any) -> str:
    """JSON in ASCII, other letters escaped: it reads the same through every encoding, and none acts on a terminal."""
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=True)
