"""What is installed, which weights and data are present, and what to do about the rest."""

from __future__ import annotations

import argparse
import platform
from importlib.util import find_spec
from pathlib import Path

from bench.commands._options import add_plugin_option, add_profile_options, add_results_option, add_weights_option
from bench.commands._parser import Parser
from bench.contracts import Dataset
from bench.data.splits import tabulate
from bench.engine.device import resolve_device
from bench.engine.provenance import package_versions
from bench.errors import BenchError
from bench.plugins.extractors import weights_state
from bench.plugins.overrides import parse_overrides, weights_overrides
from bench.plugins.profile import load_profile, refuse_unknown_plugins
from bench.plugins.registry import INSTALL, ROOMS, Registry
from bench.plugins.resolver import Resolver, not_installed
from bench.progress.terminal import show
from bench.store.leftovers import unfinished
from bench.text import wrapped
from bench.version import __version__

CORE = frozenset({"msgspec", "numpy", "PIL", "tqdm"})
"""What the engine itself imports."""


def add_arguments(parser: Parser) -> None:
    """Where data and weights are looked for, and under which profile."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="look for every dataset's folders here")
    add_weights_option(parser)
    add_profile_options(parser)
    add_plugin_option(parser)
    add_results_option(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, whatever is missing."""
    registry = Registry(args.plugin)
    profile = load_profile(args.profile)
    refuse_unknown_plugins(profile, registry)
    given = parse_overrides(args.overrides, registry)
    overrides = (*given, *weights_overrides(args.weights, registry.names("extractor"), given, registry))
    if args.data is not None and not args.data.is_dir():
        raise BenchError(f"--data {args.data}: no such folder; name the one that holds the data")
    resolver = Resolver(registry, profile, overrides)
    show(f"bench {__version__}, Python {platform.python_version()}, device {resolve_device('auto')}")
    show(f"results folder {args.results}: {'present' if args.results.is_dir() else 'made by the first run'}")
    _unfinished(args.results)
    _packages(registry)
    show(f"\nweights and base models under profile {profile.name}")
    for kind in ("generator", "extractor", "segmenter"):
        for name in registry.names(kind):
            for line in wrapped(f"  {kind} {name:14} {_state(resolver, kind, name)}", " " * 8):
                show(line)
    show("\nweight files of the extractors; --weights DIR names another folder")
    for line in _weights(resolver):
        show(f"  {line}")
    if args.data is not None:
        show(f"\ndata in {args.data}, matched by name; run looks at the pixels too")
        for name in registry.names("dataset"):
            _data(resolver, name, args.data)
    else:
        show("\ndata: give --data DIR to see which datasets lie there")
    return 0


def _unfinished(results: Path) -> None:
    lines = list(unfinished(results))
    if lines:
        show("unfinished work there: the command that began it goes on from it; to be rid of it instead")
    for line in lines:
        show(f"  {line}")


def _packages(registry: Registry) -> None:
    needed = {
        module for kind in ROOMS for name in registry.names(kind) for module in registry.load(kind, name).requires
    }
    absent = sorted(module for module in needed if find_spec(module.split(".")[0]) is None)
    versions = package_versions(CORE | needed - set(absent))
    show("packages: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    if absent:
        show(f"not installed: {', '.join(absent)}; {INSTALL}")


def _state(resolver: Resolver, kind: str, name: str) -> str:
    try:
        lines = _lacking(resolver, kind, name)
    except BenchError as error:
        return str(error)
    if not lines:
        return "ready"
    harmless = _who_steps_in(resolver, name) if kind == "extractor" else ""
    return "; ".join([harmless, *lines] if harmless else lines)


def _lacking(resolver: Resolver, kind: str, name: str) -> tuple[str, ...]:
    line = not_installed(resolver.registry.load(kind, name))
    if line:
        raise BenchError(line)
    plugin = resolver.plugin(kind, name)
    if kind == "extractor":
        plugin.check_params(1)
    return plugin.missing()


def _who_steps_in(resolver: Resolver, name: str) -> str:
    """Why no metric of the profile waits for the extractor's weights; empty where one does."""
    lists = [resolver.extractors(metric) for metric in resolver.registry.names("metric")]
    ready = [[other for other in names if _ready(resolver, other)] for names in lists if name in names]
    if not ready:
        return f"no metric of profile {resolver.profile.name} asks for it"
    return f"{ready[0][0]} stands in" if all(ready) else ""


def _ready(resolver: Resolver, name: str) -> bool:
    try:
        return not _lacking(resolver, "extractor", name)
    except BenchError:
        return False


HEADER = ("extractor", "weights", "MB", "file", "sha256", "looked for in")


def _weights(resolver: Resolver) -> list[str]:
    """A table of what every extractor needs."""
    rows = [HEADER]
    for name in resolver.registry.names("extractor"):
        plugin = resolver.plugin("extractor", name)
        path = plugin.weights()
        size = f"{plugin.weights_size / 1e6:.1f}" if plugin.weights_size else ""
        place = str(path.parent) if path else ""
        rows.append((name, weights_state(plugin), size, plugin.file, plugin.sha256, place))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _data(resolver: Resolver, name: str, root: Path) -> None:
    cls = resolver.registry.load("dataset", name)
    assert issubclass(cls, Dataset)
    if cls.generated:
        show(f"  {name:14} makes its own images")
        return
    dataset = resolver.dataset(name, root)
    try:
        table = tabulate(name, name, dataset)
    except BenchError as error:
        show(f"  {name:14} {error}")
        return
    counts = ", ".join(f"{split} {len(samples)}" for split, samples in table.splits.items())
    show(f"  {name:14} {counts}" + (f"; absent: {', '.join(table.absent)}" if table.absent else ""))
    for warning in (*table.repeats, *table.warnings):
        show(f"  {'':14} {warning}")
