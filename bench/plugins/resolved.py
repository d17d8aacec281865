"""A plugin as one run uses it: the instance, its resolved parameters and its identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ResolvedPlugin:
    """`identity` is what enters the keys of the stages this plugin runs; `source` is the hash of its code."""

    kind: str
    name: str
    plugin: Any
    identity: dict[str, Any]
    source: str = ""
