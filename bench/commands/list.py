"""All plugins by kind. Nothing heavy is imported."""

from __future__ import annotations

import argparse

from bench.commands._options import add_plugin_option
from bench.commands._parser import Parser
from bench.contracts import Generator
from bench.errors import BenchError, did_you_mean
from bench.plugins.registry import ROOMS, Registry, missing_modules
from bench.progress.terminal import show


def add_arguments(parser: Parser) -> None:
    """Which kind, and plugins of the user's own."""
    kinds = f"only this kind: {', '.join(map(plural, ROOMS))} (or in the singular)"
    parser.add_argument("kind", nargs="?", type=_kind, metavar="KIND", help=kinds)
    add_plugin_option(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0."""
    registry = Registry(args.plugin)
    for kind in [args.kind] if args.kind else ROOMS:
        show(plural(kind))
        for name in registry.names(kind):
            plugin = registry.load(kind, name)
            absent = missing_modules(plugin)
            state = f"  [not installed: {', '.join(absent)}]" if absent else ""
            meaning = (plugin.__doc__ or "").strip().partition("\n")[0]
            mark = "  [control]" if issubclass(plugin, Generator) and plugin.control else ""
            show(f"  {name:14} {meaning}{mark}{state}")
    return 0


def _kind(text: str) -> str:
    for kind in ROOMS:
        if text in (kind, plural(kind)):
            return kind
    raise BenchError(f"list {text}: unknown kind{did_you_mean(text, map(plural, ROOMS))}")


def plural(kind: str) -> str:
    """The heading of a kind, which stands for it on the command line too."""
    return f"{kind}s"
