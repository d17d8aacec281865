"""Parameters of the suite itself, which belong to no plugin: `--set masks.rotation=0`, a profile's table [masks]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.datasets._masks import RandomMasks


@dataclass(frozen=True)
class Section:
    """A frozen dataclass of parameters, and the command line without which they have no effect."""

    params: type
    needs: str


SECTIONS: Mapping[str, Section] = {"masks": Section(RandomMasks, "run --masks random")}


def section_of(option: str) -> str:
    """The section that a `--set` speaks of, `NAME.field=value`; empty for a plugin's."""
    parts = option.partition("=")[0].split(".")
    return parts[0] if len(parts) == 2 and parts[0] in SECTIONS else ""
