"""One unit of work and what it needs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bench.contracts import Cost
from bench.identity import SCHEMA, key
from bench.plugins.resolved import ResolvedPlugin

DATA = "data"


@dataclass(frozen=True)
class Ref:
    """A stage's output, or (action `data`) a real split by its fingerprint."""

    action: str
    key: str


Count = Callable[[Ref], int]
"""How many images an input has."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One unit of work: computed once, found again by its key.

    Each action is a class of its own in `bench.plan.actions`; how it is done stands in `bench.engine.actions`.
    """

    action: ClassVar[str]
    """Folder of the store that holds its outputs."""
    resumes: ClassVar[bool] = False
    """Whether the next try goes on from unfinished output; otherwise only the work folder is kept."""
    uses_extractors: ClassVar[bool] = False
    """Whether it opens extractors; before any other stage the open one gives its memory back."""

    label: str
    """For the reader; no part of the key."""
    seed: int = 0

    @property
    def inputs(self) -> Mapping[str, Ref]:
        """What it reads, by name."""
        raise NotImplementedError

    @property
    def plugins(self) -> tuple[ResolvedPlugin, ...]:
        """The plugin that does the work, and behind it those it uses; empty where the suite itself does it."""
        return ()

    @property
    def settings(self) -> Mapping[str, Any]:
        """What else decides the result, as JSON has it."""
        return {}

    @property
    def requires(self) -> tuple[str, ...]:
        """Importable names of the packages it needs."""
        return tuple(module for one in self.plugins for module in one.plugin.requires)

    @property
    def shared(self) -> bool:
        """Whether several processes do it together."""
        return False

    def images(self, count: Count) -> int:
        """How many images it goes through: what its cost follows."""
        raise NotImplementedError

    def made(self, count: Count) -> int:
        """How many images its output has."""
        return self.images(count)

    def cost(self, images: int, devices: int) -> Cost | None:
        """What so many images take of each of `devices` devices; None where nothing estimates it."""
        return self.plugins[0].plugin.cost(self.action, images, devices) if self.plugins else None

    @property
    def identity(self) -> dict[str, Any]:
        """All that decides the result."""
        return {
            "schema": SCHEMA,
            "stage": self.action,
            "plugins": [one.identity for one in self.plugins],
            "seed": self.seed,
            "inputs": {name: ref.key for name, ref in self.inputs.items()},
            "settings": dict(self.settings),
        }

    @property
    def source(self) -> str:
        """Hash of the plugin's code: kept with the outputs, but only its version decides whether they are reused."""
        return self.plugins[0].source if self.plugins else ""

    @property
    def key(self) -> str:
        """Name of the output: sha256 of the identity."""
        return key(self.identity)

    @property
    def ref(self) -> Ref:
        """Its output, as another stage's input."""
        return Ref(self.action, self.key)

    @property
    def needs(self) -> tuple[Ref, ...]:
        """Outputs of the stages that must be finished first."""
        return tuple(ref for ref in self.inputs.values() if ref.action != DATA)


@dataclass(frozen=True)
class Problem:
    """Something that was asked for and could not be had; `ours` is False for what the user can mend."""

    what: str
    message: str
    ours: bool = False
