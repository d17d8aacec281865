"""Locks between processes, the operating system's: a killed process never leaves one held, and no file stays behind."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from filelock import FileLock

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""What a file system without locks answers, as some network drives do."""


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock `path`; `waiting` is called when another process holds it.

    Raises BenchError where the file system has no locks.
    """
    lock = _lock(path)
    if not _acquire(lock):
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        _release(lock)


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock and give True, or give False where another process holds it."""
    lock = _lock(path)
    free = _acquire(lock)
    try:
        yield free
    finally:
        if free:
            _release(lock)


def is_held(path: Path) -> bool:
    """Whether a process works under the lock. One of another user, which may not be opened, counts as held."""
    if not path.exists():
        return False
    try:
        with locked_if_free(path) as free:
            return not free
    except PermissionError:
        return True


def _lock(path: Path) -> FileLock:
    # Takes longer to import than all else that this module does.
    from filelock import FileLock

    # What filelock falls back to where there are no locks would outlive the process that holds it.
    return FileLock(path, fallback_to_soft=False)


def _acquire(lock: FileLock) -> bool:
    """Hold it if it is free at once. BenchError where the file system has no locks."""
    from filelock import Timeout

    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise BenchError(
            f"{lock.lock_file}: this drive has no locks between processes ({error.strerror}), so two runs could write "
            "the same file; choose a folder on a local disk with --results or --out"
        ) from None
    return True


def _release(lock: FileLock) -> None:
    # Removed while it is held: whoever waits sees that his has no name any more, and opens it anew. Windows removes no
    # open file; there filelock does it.
    if os.name != "nt":
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()
