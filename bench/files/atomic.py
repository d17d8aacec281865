"""Files that appear whole or not at all, what their bytes are known by, and what is said where none can be written."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from bench.errors import BenchError

PART = ".part"
HOST = (platform.node() or "here").replace(".", "_")[:60]
DIGESTS = "sha256.json"
DAY = 24 * 3600
CHUNK = 2**16
"""Bytes of a file that are hashed at once."""
LONGEST_NAME = 120
"""Bytes of a file's name that its part's name repeats: with host and process it must stay below the system's 255."""

_STORAGE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR)
_FULL = (errno.ENOSPC, errno.EDQUOT)


def sha256_file(path: Path) -> str:
    """Of the file's bytes, 64 hexadecimal digits. Raises OSError; `digest_of` is for files that a user gave."""
    # Stores hold thousands of small files: hashlib.file_digest would fill a large buffer for each, twice the time.
    found = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while part := stream.read(CHUNK):
            found.update(part)
    return found.hexdigest()


def read_json(path: Path) -> Any:
    """What a file holds. OSError, ValueError, also for numbers that are none (NaN), RecursionError."""

    def refuse(text: str) -> NoReturn:
        raise ValueError(f"{text} is no number")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def digest_of(path: Path) -> str:
    """sha256 of a user's file, 64 hexadecimal digits. BenchError where it cannot be read."""
    try:
        return sha256_file(path)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror}); mend or remove it") from None


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file below `folder`, by its path there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256_file(path) for path in files}


def changed(folder: Path, known: Mapping[str, str]) -> Path | None:
    """The first file of `known`, as `digests` gives them, that is gone or has other bytes."""
    paths = {folder / name: digest for name, digest in known.items()}
    return next((p for p, digest in paths.items() if not p.is_file() or sha256_file(p) != digest), None)


def write_digests(folder: Path) -> None:
    """Lay `digests` beside the files that they are of, for `damaged_in`."""
    (folder / DIGESTS).unlink(missing_ok=True)
    write_atomic(folder / DIGESTS, json.dumps(digests(folder), indent=1))


def damaged_in(folder: Path) -> Path | None:
    """The first file that is not what `write_digests` has seen; None too where it has not been at work."""
    path = folder / DIGESTS
    if not path.is_file():
        return None
    try:
        return changed(folder, json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, AttributeError, TypeError):
        return path


@contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """A name beside `path` for a file or folder on its way, of this process alone; what bears it in the end is removed.

    It tells host and process, so that others know the leavings of a killed one.
    """
    name = path.name
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{name}.{HOST}-{os.getpid()}{PART}")
    try:
        yield part
    finally:
        _remove(part)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A part to write, renamed to `path` at the end: a reader sees the old file or the new one, never half of it."""
    with part_of(path) as part:
        yield part
        os.replace(part, path)


def write_atomic(path: Path, text: str) -> None:
    """Write `text` in UTF-8, in the way of `replacing`; the folder is made where it is missing.

    A link leads to its file. A device or a pipe is written to: put in its place, a file would reach nobody.
    """
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8") as stream:
            stream.write(text)
        return
    with replacing(path.resolve()) as part:
        part.write_text(text, encoding="utf-8")


def remove_parts(folder: Path, dead_only: bool = True) -> None:
    """Remove parts below `folder` of processes that are dead, as far as this host can tell, or of all.

    Those of other hosts count as dead after a day.
    """
    for root, folders, files in os.walk(folder):
        for name in [one for one in (*folders, *files) if one.endswith(PART)]:
            _remove_part(Path(root, name), dead_only)


def remove_parts_of(path: Path) -> None:
    """Remove what dead processes have left of `path` alone."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*{PART}"):
        _remove_part(part, dead_only=True)


def _remove_part(part: Path, dead_only: bool) -> None:
    owner = _owner(part.name)
    if owner and not (dead_only and _may_live(part, *owner)):
        # What another user has left in a shared folder is not ours to remove.
        with suppress(PermissionError):
            _remove(part)


def _owner(name: str) -> tuple[str, int] | None:
    """Host and process of a part; None for a file that `part_of` has not named."""
    start, _, process = name.removesuffix(PART).rpartition("-")
    hidden, _, host = start.rpartition(".")
    return (host, int(process)) if hidden.startswith(".") and process.isdecimal() else None


def _may_live(part: Path, host: str, process: int) -> bool:
    if host != HOST:
        return part.exists() and time.time() - part.stat().st_mtime < DAY
    import psutil

    return psutil.pid_exists(process)


def _remove(path: Path) -> None:
    """Another process may be quicker."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def storage_error(error: BaseException, root: Path) -> str | None:
    """One line with the remedy when the results folder is full or cannot be written, else None."""
    if isinstance(error, OSError) and error.errno in _STORAGE_ERRORS:
        place = error.filename or root
        return f"{place}: {error.strerror}; free or unlock it, or choose another place with --results or --out"
    # Writers in compiled libraries wrap the system's error in one of their own.
    full = next((os.strerror(code) for code in _FULL if os.strerror(code) in str(error)), None)
    return f"{root}: {full}; free some, or choose another place with --results" if full else None
