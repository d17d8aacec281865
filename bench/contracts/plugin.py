"""What every plugin declares, and how it declares its parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar


def param(
    default: Any,
    help: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str | int, ...] = (),
    key: bool = True,
) -> Any:
    """A field of a plugin's `Params`: its default, one line of meaning, its unit and its range.

    `key=False` marks what cannot change the result (paths whose bytes are hashed through `files()`, batch size of
    inference): such a field does not enter the artefact's key.
    """
    meta = {"help": help, "unit": unit, "low": low, "high": high, "choices": choices, "key": key}
    return field(default=default, metadata=meta)


@dataclass(frozen=True)
class NoParams:
    """Params of a plugin that has none."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What an action takes on one device, counted in advance (`bench.cost.meter` counts torch code).

    `flops`: a multiply and an add are two. `moved`: bytes that operations read and write. `calls`: operations started.
    `memory`: bytes on the device at the peak. `note`: how the work is cut up, for the reader.
    """

    flops: float
    moved: float
    calls: float
    memory: float
    precision: str = "fp32"
    note: str = ""


class Plugin:
    """What every plugin declares."""

    version: ClassVar[int]
    """Bump when the same params and seed give other outputs: old artefacts are then computed anew."""
    requires: ClassVar[tuple[str, ...]] = ()
    """Importable names it needs, probed without importing."""
    cite: ClassVar[str] = ""
    """Where method or data come from."""
    declares: ClassVar[tuple[str, ...]] = ("version",)
    """What every plugin of the kind must define."""
    Params: ClassVar[type] = NoParams
    argument: ClassVar[str] = ""
    """Field of `Params` that `NAME:TEXT` sets, where the plugin stands for many; empty: its name stands alone."""

    def __init__(self, params: Any) -> None:
        self.params = params

    def files(self) -> tuple[Path, ...]:
        """Files and folders outside the store that the outputs depend on; their bytes enter the key."""
        return ()

    def missing(self) -> tuple[str, ...]:
        """One line for each thing (weights, base model, data) that must be there and is not, with its remedy."""
        return ()

    def details(self) -> tuple[str, ...]:
        """Lines `show` adds: what is trained and frozen, with its number of parameters. May import heavy packages."""
        return ()

    def check_params(self, devices: int) -> None:
        """BenchError for parameters that do not go together, or not with `devices` devices, before anything starts."""

    def try_files(self) -> None:
        """Open every file the outputs depend on, as the work itself will; BenchError for one that does not fit.

        Called before the first stage of a run where a stage of this plugin is still to be computed. What is not there
        is told by `missing`.
        """

    def cost(self, action: str, images: int, devices: int) -> Cost | None:
        """What `action` on `images` images takes of each of `devices` devices; None: not estimated, as by default.

        Actions: `fit` and `sample` of generators, `train` and `predict` of segmenters, `features`, `score`. Nothing
        is computed and no weights are needed. BenchError for parameters that cannot run.
        """
        return None

    def notes(self) -> tuple[str, ...]:
        """Sentences a reader of the leaderboard must know; printed below it."""
        return ()
