"""The threads of a command that computes: settled before torch is imported, kept on a note until it has finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.engine.threads import note_of, settle_threads
from bench.errors import BenchError
from bench.workflows.places import StorageError, refuse_results
from bench.workflows.request import Request


@contextmanager
def settled_threads(request: Request) -> Iterator[Path]:
    """The note that a killed command leaves behind; the command deletes it when all is done."""
    refuse_results(request.results)
    note = note_of(request.results, vars(request))
    settle_threads(note)
    try:
        yield note
    except BenchError as error:
        if not isinstance(error, StorageError):
            note.unlink(missing_ok=True)  # Nothing has been begun that could be gone on with.
        raise
