"""What a stage may use besides its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class Bar(Protocol):
    """A progress bar with the time left; numbers given to `update` are shown behind it."""

    def update(self, steps: int = 1, **numbers: float) -> None: ...

    def __enter__(self) -> Bar: ...

    def __exit__(self, *exc: object) -> None: ...


class Progress(Protocol):
    """Makes progress bars; `done` steps may lie behind already when work resumes.

    `say` shows a line that the user should read although the work goes on: a damaged file that is made anew.
    """

    def bar(self, total: int, unit: str, done: int = 0) -> Bar: ...

    def say(self, text: str) -> None: ...


class Quiet:
    """A `Progress` that shows nothing, for tests and library use."""

    def bar(self, total: int, unit: str, done: int = 0) -> Quiet:
        return self

    def say(self, text: str) -> None:
        pass

    def update(self, steps: int = 1, **numbers: float) -> None:
        pass

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


class ProcessGroup:
    """The processes that work on a stage together; here this one alone. `accelerate launch` starts several."""

    rank: int = 0
    size: int = 1

    def all_reduce(self, tensors: Sequence[Any]) -> None:
        """Replace each torch tensor by its sum over all processes; every process calls it with the same shapes."""

    def barrier(self) -> None:
        """Go on when every process has come here."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a stage may use besides its inputs. Nothing in it but `seed` may change a result.

    `workdir` survives a kill: checkpoints lie there and the same command finds them again (`bench.files.checkpoints`).
    `cache`, where there is one, is shared by all stages and may be emptied between them: its files are named by what
    they are made from. What is read back from either must have a check sum: a damaged file is told by `progress.say`
    and made anew.
    """

    seed: int
    workdir: Path
    device: str = "cpu"
    workers: int = 0
    download: bool = False
    progress: Progress = field(default_factory=Quiet)
    processes: ProcessGroup = field(default_factory=ProcessGroup)
    cache: Path | None = None
