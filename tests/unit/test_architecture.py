"""The rooms' rules, read from the imports of every file."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "torchvision", "diffusers", "transformers", "timm", "torch_fidelity", "scipy", "skimage",
         "matplotlib", "monai", "py_sod_metrics"}  # fmt: skip
PLUGIN_ROOMS = ("generators", "metrics", "segmenters")
OPEN_TO_PLUGINS = tuple(
    f"bench.{name}."
    for name in (
        *("contracts", "cost", "data.group_split", "data.layout", "data.pair_check", "data.scene", "errors", "files"),
        *("images", "masks", "segscores", "stats"),
    )
)


def imports(path, top_level_only):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def offenders(rooms, top_level_only, allowed):
    """`file: module` of every import in these rooms that `allowed(room, module)` does not let through."""
    found = []
    for room in rooms:
        paths = sorted((ROOT / room).rglob("*.py"))
        assert paths, room
        for path in paths:
            names = imports(path, top_level_only)
            found += [f"{path.relative_to(ROOT)}: {name}" for name in names if not allowed(room, name)]
    return found


def top(name):
    return name.split(".")[0]


def test_the_engine_is_light():
    found = offenders(["bench"], True, lambda _, name: top(name) not in HEAVY)
    # Whoever counts operations imports it then.
    assert [line for line in found if not line.startswith("bench/cost/counting.py")] == []
    assert not offenders(["bench"], True, lambda _, name: name != "bench.cost.counting")


def test_the_engine_knows_no_plugin():
    assert not offenders(["bench"], False, lambda _, name: top(name) not in PLUGIN_ROOMS)


def test_a_plugin_sees_the_contracts_and_its_own_room():
    def allowed(room, name):
        if top(name) == "bench":
            return f"{name}.".startswith(OPEN_TO_PLUGINS)
        return top(name) == room or top(name) not in PLUGIN_ROOMS

    assert not offenders(PLUGIN_ROOMS, False, allowed)


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
