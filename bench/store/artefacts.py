"""Content-addressed artefacts: a finished stage is a folder renamed into place, with a record of every byte in it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files.atomic import changed, digests, remove_parts
from bench.files.locks import is_held, locked, locked_if_free
from bench.identity import key as key_of

RECORD = "record.json"
SHA256 = "sha256"
"""Entry of a record: the hash of all its others. Records of earlier versions have none."""
MAKER = "maker"


@dataclass(frozen=True)
class Workspace:
    """Where a stage works: `out` becomes the artefact, `work` (checkpoints) survives a kill and is then removed."""

    out: Path
    work: Path


@dataclass(frozen=True)
class Unfinished:
    """What a killed or failed stage has left to go on from: bytes, and when it was last written to."""

    folder: Path
    size: int
    changed: float


class Store:
    """Artefacts below `root`, one folder each: `<action>/<key>/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, action: str, key: str) -> Path:
        """Folder of an artefact, there or not."""
        return self.root / action / key

    def has(self, action: str, key: str) -> bool:
        """A folder of that name was renamed into place, so it is finished; `verify` says whether it is still whole."""
        return self.path(action, key).is_dir()

    def record(self, action: str, key: str) -> dict[str, Any]:
        """BenchError for what is no record, or no longer the one that was written."""
        path = self.path(action, key) / RECORD
        try:
            return _checked(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            raise BenchError(f"{path}: unreadable record ({error}); delete {path.parent} and run again") from None

    def verify(self, action: str, key: str, only: str = "") -> None:
        """Raise BenchError when a file of the artefact, or `only` one, is missing or its bytes have changed."""
        folder, known = self.path(action, key), self.record(action, key)["files"]
        wrong = changed(folder, {only: known.get(only, "")} if only else known)
        if wrong is not None:
            raise BenchError(f"{wrong} no longer matches its record; delete {folder} and run again to remake it")

    @contextmanager
    def claim(
        self, action: str, key: str, say: Callable[[str], None], maker: str = "", resumes: bool = True
    ) -> Iterator[Workspace]:
        """Hold the artefact's lock and give a workspace; `say` is told when another run holds it.

        `maker` is the hash of the code that works in it: what other code left there is thrown away. Without a commit
        the workspace stays for the next try where it holds anything to go on from: `work`, and where the stage
        `resumes` from its own output, `out`.
        """
        folder = self.root / action
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / f".{key}.lock", lambda: say("waiting for another run")):
            workspace = _open_workspace(folder / f".{key}.partial", maker, say)
            try:
                yield workspace
            finally:
                useful = _holds_files(workspace.work) or (resumes and _holds_files(workspace.out))
                if self.has(action, key) or not useful:
                    shutil.rmtree(workspace.work.parent)

    def commit(self, action: str, key: str, workspace: Workspace, record: Mapping[str, Any]) -> None:
        """Write the record, then rename the workspace's `out` into place in one step."""
        (workspace.out / RECORD).unlink(missing_ok=True)
        body = {**record, "files": digests(workspace.out)}
        text = json.dumps({**body, SHA256: key_of(body)}, indent=1, sort_keys=True)
        (workspace.out / RECORD).write_text(text, encoding="utf-8")
        os.rename(workspace.out, self.path(action, key))

    def clean(self) -> None:
        """Remove what no run needs and nobody works at: locks, workspaces of finished artefacts, part files.

        Unfinished work stays.
        """
        leavings = [path for end in ("lock", "partial") for path in self.root.glob(f"*/.*.{end}")]
        for lock in sorted({path.with_suffix(".lock") for path in leavings}):
            # What another user has left in a shared folder is not ours to remove.
            with suppress(PermissionError), locked_if_free(lock) as free:
                if free:
                    self._clean_workspace(lock.with_suffix(".partial"))

    def _clean_workspace(self, folder: Path) -> None:
        if folder.is_dir() and self.has(folder.parent.name, folder.stem.removeprefix(".")):
            shutil.rmtree(folder)
        remove_parts(folder)

    def unfinished(self) -> list[Unfinished]:
        """What killed and failed stages have left, where nobody works at it now."""
        workspaces = sorted(self.root.glob("*/.*.partial"))
        return [_measured(folder) for folder in workspaces if not is_held(folder.with_suffix(".lock"))]


def _checked(record: Any) -> dict[str, Any]:
    """The record as it was read; ValueError where it has another form, or another content than when it was written."""
    if not isinstance(record, dict) or not _is_text_by_text(record.get("files")):
        raise ValueError("it has another form")
    identity = record.get("identity", {})
    if not isinstance(identity, dict) or not _is_text_by_text(identity.get("inputs", {})):
        raise ValueError("its identity has another form")
    body = {name: value for name, value in record.items() if name != SHA256}
    if SHA256 in record and record[SHA256] != key_of(body):
        raise ValueError("its content has changed")
    return record


def _is_text_by_text(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _open_workspace(folder: Path, maker: str, say: Callable[[str], None]) -> Workspace:
    """A workspace with what a killed or failed try of the same code left on it.

    A developer mends a plugin without raising its version: the key stays, but files of the old code must not slip
    into the new code's artefact.
    """
    mark, workspace = folder / MAKER, Workspace(folder / "out", folder / "work")
    if not mark.is_file() or mark.read_bytes() != maker.encode():
        if _holds_files(workspace.work) or _holds_files(workspace.out):
            say("begins anew: what lies there unfinished was made by other code")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        mark.write_text(maker, encoding="utf-8")
    workspace.out.mkdir(exist_ok=True)
    workspace.work.mkdir(exist_ok=True)
    remove_parts(folder, dead_only=False)
    return workspace


def _holds_files(folder: Path) -> bool:
    return any(path.is_file() for path in folder.rglob("*"))


def _measured(folder: Path) -> Unfinished:
    found = [path.stat() for path in (folder, *folder.rglob("*"))]
    return Unfinished(folder, sum(one.st_size for one in found), max(one.st_mtime for one in found))
