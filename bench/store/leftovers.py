"""What killed runs have left below the results folder: removed where nothing needs it, told where a run needs it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.files.atomic import remove_parts
from bench.store.artefacts import Store


def clean_up(results: Path) -> None:
    """At the start of a run. What another process works at stays, and so does all that a stage can go on from."""
    Store(results / "store").clean()
    for folder in ("cache", "runs", "worth", "tables"):
        remove_parts(results / folder)


def unfinished(results: Path) -> Iterator[str]:
    """A line for each stage that was begun and never finished, with its size, its age and how to be rid of it."""
    for one in Store(results / "store").unfinished():
        hours = (time.time() - one.changed) / 3600
        age = f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.1f} h"
        yield f"{one.size / 1e6:10.1f} MB, {age} old: rm -r {one.folder}"
