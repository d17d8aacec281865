"""Locks between processes, the operating system's: a killed process never leaves one held, and no file stays behind."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock `path`; `waiting` is called when another process holds it."""
    while True:
        with path.open("a") as file:
            if not _lock_at_once(file):
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever held it has removed the file: a lock on what has no name any more keeps nobody out.
            if _is_at(file, path):
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock and give True, or give False where another process holds it."""
    with path.open("a") as file:
        free = _lock_at_once(file) and _is_at(file, path)
        try:
            yield free
        finally:
            if free:
                path.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a process works under the lock; leaves no trace."""
    try:
        with path.open() as file:
            return not _lock_at_once(file)
    except FileNotFoundError:
        return False


def _lock_at_once(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
