"""The command line: `bench(...)` in this process, `process(...)` in one of its own where that is what is tested."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from bench import cli
from tests.conftest import PLUGINS, make_pairs

ROOT = Path(__file__).parents[2]
HEAVY = (
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "timm",
    "torch_fidelity",
    "skimage",
    "monai",
    "py_sod_metrics",
)
"""What takes longer to import than all else that a command without work does."""
HANGS = 600
"""Seconds after which a process is taken to hang; on a busy machine each waits for its turn."""
TOYS = [part for path in sorted(PLUGINS.glob("toy_*.py")) for part in ("--plugin", str(path))]
TOY_RUN = ["--generator", "toy-mirror", "--metric", "toy-mean", "--segmenter", "toy-threshold", *TOYS]


@dataclass(frozen=True)
class Done:
    """What a finished command left on the terminal."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Lines of the error stream; a progress bar ends in a carriage return."""
        return [line for line in self.err.splitlines() if line.strip()]

    @property
    def error(self) -> str:
        """The one line that begins with `bench:`."""
        found = [line for line in self.lines if line.startswith("bench:")]
        assert len(found) == 1, self.err
        assert "Traceback" not in self.err
        return found[0]

    @property
    def tables(self) -> Path:
        """Folder of a run's tables, as the output names it."""
        named = [Path(word.rstrip(":")) for word in self.out.split()]
        return next(folder for path in named for folder in (path, path.parent) if (folder / "scores.csv").is_file())


def said(done: Done) -> str:
    """All notes of a run, as its files have them, without line breaks and escapes."""
    return " ".join((done.tables / "leaderboard.md").read_text(encoding="utf-8").replace("\\", "").split())


def made(results: Path) -> dict[str, int]:
    """When each finished artefact below --results was recorded, by ACTION/KEY."""
    records = (results / "store").glob("*/[!.]*/record.json")
    return {f"{path.parts[-3]}/{path.parts[-2]}": path.stat().st_mtime_ns for path in records}


def made_since(before: dict[str, int], results: Path) -> list[str]:
    """Actions whose artefacts have been made, or made anew, since then; sorted, one entry an artefact."""
    return sorted(name.partition("/")[0] for name, when in made(results).items() if before.get(name) != when)


def imported(*words: object) -> set[str]:
    """Names of all modules that a command has imported when it has ended, where everything is installed."""
    code = f"import sys; from bench.cli import run; code = run({[str(word) for word in words]}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; sys.exit(code)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return set(done.stdout.splitlines()[-1].split())


Bench = Callable[..., Done]


@pytest.fixture(scope="session")
def without_torch(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which importing anything heavy fails: what runs in it needs none of it."""
    folder = tmp_path_factory.mktemp("blocked")
    for name in HEAVY:
        (folder / f"{name}.py").write_text(f"raise ImportError('{name} is blocked by the test')\n")
    return {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def command() -> Callable[..., list[str]]:
    return lambda *words: [sys.executable, "-m", "bench", *map(str, words)]


@pytest.fixture(scope="session")
def bench() -> Bench:
    """Runs a command to its end in this process; `env` holds variables to set, and os.environ stays as it is."""

    def run(*words: object, env: Mapping[str, str] | None = None) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, {"OMP_NUM_THREADS": "1", **(env or {})}),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = cli.run([str(word) for word in words])
        return Done(code, out.getvalue(), err.getvalue())

    return run


def listen_to_interrupts():
    """A shell's background job ignores Ctrl-C, and so would all that the tests start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="session")
def process(command: Callable[..., list[str]], without_torch: dict[str, str]) -> Bench:
    """Runs a command to its end as a user does; heavy packages are blocked unless another whole `env` is given."""

    def run(*words: object, env: dict[str, str] | None = None, timeout: float = HANGS) -> Done:
        done = subprocess.run(
            command(*words),
            cwd=ROOT,
            env=env or without_torch,
            capture_output=True,
            text=True,
            timeout=timeout,
            preexec_fn=listen_to_interrupts,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def discs(tmp_path: Path) -> Path:
    """Ten pairs as dataset `folder` expects them."""
    make_pairs(tmp_path / "data", 10)
    return tmp_path / "data"


@pytest.fixture
def toy_run(bench: Bench, discs: Path, tmp_path: Path) -> Bench:
    """A run of toys on the ten pairs, results below the test's folder; more options may follow."""
    words = ["run", *TOY_RUN, "--dataset", "folder", "--data", str(discs), "--results", str(tmp_path / "results")]
    return lambda *more, **options: bench(*words, *more, **options)
