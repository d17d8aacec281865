"""Places that the user named: whether they can be written, told before the work that fills them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from bench.errors import BenchError
from bench.files.atomic import storage_error


def log_of(results: Path, name: str) -> Path:
    """The file that receives every line of the work of this name."""
    return results / "logs" / f"{name}.log"


def refuse_place(option: str, path: Path | None) -> None:
    """BenchError for a file that cannot be written."""
    if path is not None and path.is_dir():
        raise BenchError(f"{option} {path}: is a folder; name a file")
    # A device or a pipe is written to, and needs no room beside it.
    if path is not None and (path.is_file() or not path.exists()):
        refuse_folder(option, path.resolve().parent)


def refuse_results(folder: Path) -> None:
    """BenchError for a results folder that is a file, or a link to a place that is not there. Makes nothing."""
    if os.path.lexists(folder) and not folder.is_dir():
        what = "is a link to a place that is not there" if folder.is_symlink() else "is a file"
        raise BenchError(f"--results {folder}: {what}; name a folder, or where one can be made")


def refuse_folder(option: str, folder: Path) -> None:
    """BenchError for a folder that cannot be made or written in."""
    if folder.is_file():
        raise BenchError(f"{option} {folder}: is a file; name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BenchError(f"{option} {folder}: cannot be written ({error.strerror}); name another place") from None


class StorageError(BenchError):
    """A full disk or a folder that cannot be written: what was finished stays, and the same request resumes."""


@contextmanager
def storage_errors_reported(results: Path) -> Iterator[None]:
    """A full disk, or a results folder that cannot be written, ends the work with a StorageError."""
    try:
        yield
    except OSError as error:
        message = storage_error(error, results)
        if message is None:
            raise
        raise StorageError(message) from None
