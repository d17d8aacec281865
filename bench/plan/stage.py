"""One unit of work and what it needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.identity import SCHEMA, key
from bench.plugins.resolved import ResolvedPlugin

DATA = "data"
SELECT = "select/"
"""Begins the roles of the test sets on which a training selects its epoch."""


@dataclass(frozen=True)
class Ref:
    """A stage's output, or (action `data`) a real split by its fingerprint."""

    action: str
    key: str


@dataclass(frozen=True)
class Stage:
    """One unit of work: computed once, found again by its key."""

    action: str
    chosen: ResolvedPlugin | None
    seed: int
    inputs: Mapping[str, Ref]
    label: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    helper: ResolvedPlugin | None = None
    """A second plugin the action uses: the extractor whose pair distances a metric asks for."""

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "stage": self.action,
            "plugin": self.chosen.identity if self.chosen else None,
            "seed": self.seed,
            "inputs": {role: ref.key for role, ref in self.inputs.items()},
            **({"helper": self.helper.identity} if self.helper else {}),
            **self.extra,
        }

    @property
    def source(self) -> str:
        """Hash of the plugin's code: kept with the outputs, but only its version decides whether they are reused."""
        return self.chosen.source if self.chosen else ""

    @property
    def key(self) -> str:
        return key(self.identity)

    @property
    def ref(self) -> Ref:
        return Ref(self.action, self.key)


@dataclass(frozen=True)
class Trouble:
    """Something that was asked for and could not be had; `ours` is False for what the user can mend."""

    what: str
    message: str
    ours: bool = False


def inputs_of(stage: Stage) -> tuple[Ref, ...]:
    """The stages that must be finished first."""
    return tuple(ref for ref in stage.inputs.values() if ref.action != DATA)
