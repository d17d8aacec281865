"""Fixtures every test may use: tiny pairs on disk, and the toy plugins of `tests/plugins`."""

from __future__ import annotations

import gc
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from bench.contracts import Context, Extractor, Quiet, Sample, Split
from bench.data.pixel_cache import Picture
from bench.engine.extraction import Extraction
from bench.errors import BenchError
from bench.images import save_png
from bench.plugins.resolved import ResolvedPlugin

PLUGINS = Path(__file__).parent / "plugins"


_contracts: dict[str, set[str]] = defaultdict(set)
"""Outcomes of the contract tests by plugin. Where several processes test, the one that starts them is told of all."""


OTHER_END = ("sympy", "scipy.stats", "scipy.sparse.linalg", "huggingface_hub.hf_api", "tifffile", "matplotlib.figure")
"""Large packages that collecting imports after torch, or in the middle of it."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """In a fresh environment all that is imported is compiled first. So that workers do not compile the same module at
    the same time, every second one begins at the other end: what one has compiled, the other reads.

    Importing yapf, as mmseg does, leaves a grammar in the user's cache, and not in one step: who starts the workers
    does it before, or one would read what the other has half written."""
    if not hasattr(session.config, "workerinput"):
        with suppress(ImportError):
            import_module("yapf")
    worker = getattr(session.config, "workerinput", {}).get("workerid", "gw0")
    if int(worker.removeprefix("gw")) % 2:
        for name in OTHER_END:
            with suppress(ImportError):
                import_module(name)


def pytest_collection() -> None:
    """What collecting imports, torch and its companions, lives to the end: no search for garbage visits it, neither
    now nor between tests."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    plugin = dict(report.user_properties).get("plugin")
    if plugin and (report.when == "call" or report.skipped):
        _contracts[plugin].add(report.outcome)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A plugin that every contract test skipped is a hole in the net, unless it lacks weights that are a download."""
    skipped = [plugin for plugin, seen in _contracts.items() if seen == {"skipped"}]
    if not skipped or session.exitstatus != 0 or hasattr(session.config, "workerinput"):
        return
    from tests.contract.conftest import may_be_skipped

    silent = [plugin for plugin in skipped if not may_be_skipped(plugin)]
    if silent:
        print(f"\nskipped in every contract test: {', '.join(silent)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def make_pairs(folder: Path, count: int, size: int = 24, seed: int = 0, prefix: str = "s") -> Split:
    """`count` grey-brown images with one bright disc each, and the disc's mask."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    samples = []
    for index in range(count):
        cy, cx = rng.uniform(size * 0.3, size * 0.7, 2)
        disc = (y - cy) ** 2 + (x - cx) ** 2 < (size * rng.uniform(0.15, 0.28)) ** 2
        image = rng.normal(90, 12, (size, size, 3)) + np.where(disc, 70, 0)[..., None]
        name = f"{prefix}{index:03d}"
        save_png(folder / "images" / f"{name}.png", image.clip(0, 255).astype(np.uint8))
        save_png(folder / "masks" / f"{name}.png", disc.astype(np.uint8) * 255)
        samples.append(
            Sample(
                id=name,
                image=folder / "images" / f"{name}.png",
                mask=folder / "masks" / f"{name}.png",
                prompt="A photo of a disc.",
                group=f"g{index // 2}",
            )
        )
    return tuple(samples)


def extraction_of(extractor: Extractor, ctx: Context) -> Extraction:
    """Images through an extractor as the engine does it."""
    return Extraction(ResolvedPlugin(kind="extractor", name="tried", plugin=extractor, identity={"name": "tried"}), ctx)


def features_of(extractor: Extractor, paths: Sequence[Path], size: tuple[int, int] | None, ctx: Context) -> np.ndarray:
    """Features as the engine computes them, without its cache."""
    return extraction_of(extractor, replace(ctx, cache=None)).features([Picture(path, size) for path in paths])


class Counter(Quiet):
    """Counts updates, keeps the lines that are said, and ends the work as Ctrl-C does at one of the updates."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.updates, self.kill_at = 0, kill_at
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def update(self, steps: int = 1, **numbers: float) -> None:
        self.updates += 1
        if self.updates == self.kill_at:
            raise KeyboardInterrupt


class Said(Quiet):
    """Keeps the lines that are said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def refused(action: Callable[[], object], *parts: object) -> None:
    """The action's BenchError is one line and holds all parts: the file and the remedy."""
    with pytest.raises(BenchError) as caught:
        action()
    assert "\n" not in str(caught.value)
    for part in parts:
        assert str(part) in str(caught.value)


@pytest.fixture
def pairs(tmp_path: Path) -> Callable[..., Split]:
    """`pairs(count, …)` writes pairs below the test's folder."""
    return lambda count, name="pairs", **options: make_pairs(tmp_path / name, count, **options)


@pytest.fixture
def toy_options() -> list[str]:
    """--plugin options for a run in which everything is a toy that needs no torch."""
    return [part for path in sorted(PLUGINS.glob("toy_*.py")) for part in ("--plugin", str(path))]


@pytest.fixture(scope="session")
def narrow_base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a base model lies that is narrower than the bundled one: a parameter of the diffusion generators."""
    # Needs torch, which most tests do without.
    from tests.narrow_base import write_narrow_base

    return str(write_narrow_base(tmp_path_factory.mktemp("narrow base")))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; the test is skipped without it."""
    folder = os.environ.get("BENCH_DATA")
    if not folder:
        pytest.skip("set BENCH_DATA to a folder with polyps/ and isic2018/ to run the tests on real data")
    return Path(folder)
