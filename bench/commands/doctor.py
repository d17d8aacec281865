"""What is installed, which weights and data are present, and what to do about the rest."""

from __future__ import annotations

import argparse
import platform
from importlib.util import find_spec
from pathlib import Path

from bench import __version__
from bench.chosen import Chooser
from bench.commands._options import add_plugin_option, add_profile_options, add_results_option
from bench.config import Override, load_profile, parse_overrides, refuse_unknown_plugins, resolve
from bench.contracts import Dataset
from bench.data import tabulate
from bench.errors import BenchError
from bench.provenance import package_versions
from bench.registry import ROOMS, Registry, missing_modules
from bench.runner import resolve_device

CORE = frozenset({"numpy", "PIL", "tqdm"})
"""What the engine itself imports."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="look for every dataset's folders here")
    add_profile_options(parser)
    add_plugin_option(parser)
    add_results_option(parser)


def run(args: argparse.Namespace) -> int:
    registry = Registry(args.plugin)
    profile = load_profile(args.profile)
    refuse_unknown_plugins(profile, registry)
    overrides = parse_overrides(args.overrides, registry)
    if args.data is not None and not args.data.is_dir():
        raise BenchError(f"--data {args.data}: no such folder; name the one that holds the data")
    chooser = Chooser(registry, profile, overrides)
    print(f"bench {__version__}, Python {platform.python_version()}, device {resolve_device('auto')}")
    print(f"results folder {args.results}: {'present' if args.results.is_dir() else 'made by the first run'}")
    _packages(registry)
    print(f"\nweights and base models under profile {profile.name}")
    for kind in ("generator", "extractor", "segmenter"):
        for name in registry.names(kind):
            print(f"  {kind} {name:14} {_state(chooser, kind, name)}")
    if args.data is not None:
        print(f"\ndata in {args.data}, matched by name; run looks at the pixels too")
        for name in registry.names("dataset"):
            _data(chooser, overrides, name, args.data)
    else:
        print("\ndata: give --data DIR to see which datasets lie there")
    return 0


def _packages(registry: Registry) -> None:
    needed = {
        module for kind in ROOMS for name in registry.names(kind) for module in registry.load(kind, name).requires
    }
    absent = sorted(module for module in needed if find_spec(module.split(".")[0]) is None)
    versions = package_versions(CORE | needed - set(absent))
    print("packages: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    if absent:
        print(f"not installed: {', '.join(absent)}; pip install -e . installs them")


def _state(chooser: Chooser, kind: str, name: str) -> str:
    cls = chooser.registry.load(kind, name)
    absent = missing_modules(cls)
    if absent:
        return f"needs {', '.join(absent)}; pip install -e ."
    params = resolve(cls, kind, name, chooser.profile, chooser.overrides)
    try:
        return "; ".join(cls(params).missing()) or "ready"
    except BenchError as error:
        return str(error)


def _data(chooser: Chooser, overrides: tuple[Override, ...], name: str, root: Path) -> None:
    cls = chooser.registry.load("dataset", name)
    assert issubclass(cls, Dataset)
    if cls.generated:
        print(f"  {name:14} makes its own images")
        return
    dataset = cls(resolve(cls, "dataset", name, chooser.profile, overrides), root)
    try:
        table = tabulate(name, name, dataset)
    except BenchError as error:
        print(f"  {name:14} {error}")
        return
    counts = ", ".join(f"{split} {len(samples)}" for split, samples in table.splits.items())
    print(f"  {name:14} {counts}" + (f"; absent: {', '.join(table.absent)}" if table.absent else ""))
    for warning in table.warnings:
        print(f"  {'':14} {warning}")
