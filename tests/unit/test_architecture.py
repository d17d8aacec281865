"""The rooms' rules, read from the imports of every file."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "torchvision", "diffusers", "transformers", "timm", "torch_fidelity", "scipy", "skimage",
         "matplotlib", "monai", "py_sod_metrics"}  # fmt: skip
PLUGIN_ROOMS = ("generators", "metrics", "segmenters")
OPEN_TO_PLUGINS = {"bench.contracts", "bench.images", "bench.masks", "bench.listing", "bench.errors",
                   "bench.segscores", "bench.stats", "bench.meter", "bench.files", "bench.cache",
                   "bench.checkpoints", "bench.tensors", "bench.published_weights", "bench.pair_check"}  # fmt: skip
LATE = "bench.counting"
"""Imports torch; whoever counts imports it then."""
ORDER = ("errors", "text", "terminal", "interrupt", "files", "locks", "contracts", "faults", "cache", "checkpoints",
         "masks", "images", "listing", "segscores", "meter", "stats", "spec", "registry", "config", "store",
         "leftovers", "stage", "comparison", "graph", "runner", "commands", "cli")  # fmt: skip


def imports(path, top_level_only):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def files(*rooms):
    return [pytest.param(p, id=str(p.relative_to(ROOT))) for room in rooms for p in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("path", files("bench"))
def test_the_engine_is_light_and_knows_no_plugin(path):
    names = set(imports(path, top_level_only=True))
    assert LATE not in names
    assert path == ROOT / "bench" / "counting.py" or not {name.split(".")[0] for name in names} & HEAVY
    assert not {name.split(".")[0] for name in imports(path, False)} & set(PLUGIN_ROOMS)


@pytest.mark.parametrize("path", files(*PLUGIN_ROOMS))
def test_a_plugin_sees_the_contracts_and_its_own_room(path):
    room = path.relative_to(ROOT).parts[0]
    for name in imports(path, top_level_only=False):
        top = name.split(".")[0]
        assert top not in PLUGIN_ROOMS or top == room, name
        assert top != "bench" or name in OPEN_TO_PLUGINS, name


@pytest.mark.parametrize("name", ORDER)
def test_imports_of_the_engine_point_one_way(name):
    """cli -> commands -> runner -> graph, store -> config, registry, spec -> contracts, errors."""
    later = {f"bench.{other}" for other in ORDER[ORDER.index(name) + 1 :]}
    room = ROOT / "bench" / name
    for path in room.glob("*.py") if room.is_dir() else [room.with_suffix(".py")]:
        assert not set(imports(path, top_level_only=False)) & later, path


def test_the_engine_names_no_plugin():
    """No `if name == "siamese"`: names of generators, metrics and segmenters stand in profiles and files only."""
    for path in (ROOT / "bench").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        strings = [
            n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant) and isinstance(n.value, str)
        ]
        assert not {"siamese", "copy-paste", "unet", "fid", "kid", "lite0", "inception"} & set(strings), path


def test_help_starts_without_heavy_imports():
    code = "import sys; from bench.cli import run; run(['--help']); print(sorted(set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {name for name in HEAVY | {"numpy", "PIL"} if f"'{name}'" in out}
