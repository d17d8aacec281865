"""Content-addressed artefacts: a finished stage is a folder renamed into place, with a record of every byte in it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError

RECORD = "record.json"
MAKER = "maker"


@dataclass(frozen=True)
class Desk:
    """Where a stage works: `out` becomes the artefact, `work` (checkpoints) survives a kill and is then removed."""

    out: Path
    work: Path


def sha256_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomic(path: Path, text: str) -> None:
    """A reader sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


class Store:
    """Artefacts below `root`, one folder each: `<action>/<key>/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, action: str, key: str) -> Path:
        return self.root / action / key

    def has(self, action: str, key: str) -> bool:
        """A folder of that name was renamed into place, so it is finished; `verify` says whether it is still whole."""
        return self.path(action, key).is_dir()

    def record(self, action: str, key: str) -> dict[str, Any]:
        path = self.path(action, key) / RECORD
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BenchError(f"{path}: unreadable record ({error}); delete {path.parent} and run again") from None

    def verify(self, action: str, key: str, only: str = "") -> None:
        """Raise BenchError when a file of the artefact, or `only` one, is missing or its bytes have changed."""
        folder = self.path(action, key)
        for name, digest in self.record(action, key)["files"].items():
            if only not in ("", name):
                continue
            path = folder / name
            if not path.is_file() or sha256_file(path) != digest:
                raise BenchError(f"{path} no longer matches its record; delete {folder} and run again to remake it")

    @contextmanager
    def claim(self, action: str, key: str, waiting: Callable[[], None], maker: str = "") -> Iterator[Desk]:
        """Hold the artefact's lock and give a desk; `waiting` is called once when another run holds it.

        The lock is the operating system's, so a killed run never leaves one behind. `maker` is the hash of the code
        that works at the desk: what other code left there is thrown away.
        """
        folder = self.root / action
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f".{key}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield _open_desk(folder / f".{key}.partial", maker)
            if self.has(action, key):
                shutil.rmtree(folder / f".{key}.partial")

    def commit(self, action: str, key: str, desk: Desk, record: Mapping[str, Any]) -> None:
        """Write the record, then rename the desk's `out` into place in one step."""
        digests = {str(path.relative_to(desk.out)): sha256_file(path) for path in _files(desk.out)}
        text = json.dumps({**record, "files": digests}, indent=1, sort_keys=True)
        (desk.out / RECORD).write_text(text, encoding="utf-8")
        os.rename(desk.out, self.path(action, key))


def _open_desk(folder: Path, maker: str) -> Desk:
    """A desk with what a killed or failed try of the same code left on it.

    A developer mends a plugin without raising its version: the key stays, but files of the old code must not slip
    into the new code's artefact.
    """
    mark = folder / MAKER
    if not mark.is_file() or mark.read_text(encoding="utf-8") != maker:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        mark.write_text(maker, encoding="utf-8")
    desk = Desk(folder / "out", folder / "work")
    desk.out.mkdir(exist_ok=True)
    desk.work.mkdir(exist_ok=True)
    return desk


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
