"""Small records of a cache: made once from the same bytes, read ever after, each with a check sum behind it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

from bench.contracts import Progress
from bench.files.atomic import replacing
from bench.text import listed

CHECK = 4
"""Bytes of the check sum, the CRC-32 of what stands before it."""


def read_record(path: Path, length: int, damaged: list[Path]) -> bytes | None:
    """The record, of `length` bytes; None where there is none. One that is not whole joins `damaged`: make it anew."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        data = b""
    if len(data) != length + CHECK or _check(data[:-CHECK]) != data[-CHECK:]:
        damaged.append(path)
        return None
    return data[:-CHECK]


def write_record(path: Path, data: bytes) -> None:
    """Keep `data` for `read_record`, behind its check sum; whole or not at all."""
    with replacing(path) as part:
        part.write_bytes(data + _check(data))


def _check(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(CHECK, "little")


def tell_damaged(damaged: Sequence[Path], progress: Progress) -> None:
    """One line, however many records were not whole."""
    if damaged:
        progress.say(f"{listed([str(path) for path in damaged], 1)}: damaged in the cache, and made anew")
