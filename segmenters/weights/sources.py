"""Where pretrained weights of backbones come from, and what a user reads when they cannot be had."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, first_line
from bench.files.published import HubFile, WebFile, fault, published_digits


@dataclass(frozen=True)
class Nowhere:
    """Weights that were not published, or nobody knows where."""

    absent = ""
    fetchable = False

    def cached(self) -> Path | None:
        """None: there is no such file."""
        return None

    def fetch(self) -> Path:
        """ValueError always."""
        raise ValueError("it is not known where they were published")


Source = HubFile | WebFile | Nowhere


def checked(path: Path) -> Path:
    """A published file, read again from where it was fetched to; BenchError where its bytes have changed there."""
    if wrong := fault(path, published_digits(path), again=True):
        raise BenchError(f"{path}: {wrong}; delete it and fetch it again")
    return path


def fetched(source: Source, name: str) -> Path:
    """The file, fetched. BenchError with the remedy where that fails; `name` is the plugin's."""
    try:
        return source.fetch()
    except (OSError, ValueError, RuntimeError) as error:
        raise BenchError(
            f"--download: the backbone's weights could not be fetched ({first_line(error)}); give their file with "
            f"--set {name}.backbone=FILE"
        ) from None
