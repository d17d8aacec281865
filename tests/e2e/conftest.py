"""`bench(...)` runs the command line as a user does: a process of its own, from the repository's root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

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
def bench(command: Callable[..., list[str]], without_torch: dict[str, str]) -> Bench:
    """Runs a command to its end; heavy packages are blocked unless another `env` is given."""

    def run(*words: object, env: dict[str, str] | None = None, timeout: float = 120) -> Done:
        done = subprocess.run(
            command(*words), cwd=ROOT, env=env or without_torch, capture_output=True, text=True, timeout=timeout
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
