"""All plugins by kind. Nothing heavy is imported."""

from __future__ import annotations

import argparse

from bench.commands._options import add_plugin_option
from bench.plugins.registry import ROOMS, Registry, missing_modules
from bench.progress.terminal import show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", nargs="?", choices=tuple(ROOMS), help="only this kind")
    add_plugin_option(parser)


def run(args: argparse.Namespace) -> int:
    registry = Registry(args.plugin)
    for kind in [args.kind] if args.kind else ROOMS:
        show(f"{kind}s")
        for name in registry.names(kind):
            show(f"  {name:14} {_line(registry, kind, name)}")
    return 0


def _line(registry: Registry, kind: str, name: str) -> str:
    plugin = registry.load(kind, name)
    absent = missing_modules(plugin)
    state = f"  [not installed: {', '.join(absent)}]" if absent else ""
    return (plugin.__doc__ or "").strip().split("\n")[0] + state
