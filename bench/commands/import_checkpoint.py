"""Turn weights that a method's authors published into a folder to sample from. Nothing in the file is executed."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands._options import add_plugin_option, add_profile_options
from bench.commands._parser import Parser
from bench.contracts import Generator
from bench.errors import BenchError
from bench.files.atomic import remove_parts_of, replacing, write_digests
from bench.plugins.overrides import parse_overrides
from bench.plugins.profile import load_profile
from bench.plugins.registry import Registry
from bench.plugins.resolver import Resolver
from bench.progress.terminal import show


def add_arguments(parser: Parser) -> None:
    """The file, the method it belongs to and the folder to make."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the checkpoint as its authors published it")
    parser.add_argument("--generator", required=True, metavar="NAME", help="the method the checkpoint belongs to")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make; absent or empty")
    # Published weights are of the published protocol's base model.
    add_profile_options(parser, default="paper")
    add_plugin_option(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; a file that does not fit raises BenchError."""
    registry = Registry(args.plugin)
    _refuse_unable(registry, args.generator)
    _refuse_taken(args.out)
    resolver = Resolver(registry, load_profile(args.profile), parse_overrides(args.overrides, registry))
    for override in resolver.overrides:
        if (override.kind, override.name) != ("generator", args.generator):
            raise BenchError(
                f"{override.option}: {override.kind} {override.name} takes no part; only {args.generator} does"
            )
    generator = resolver.choose("generator", args.generator).plugin
    for line in _write(generator, args.file, args.out):
        show(line)
    show(f"written: {args.out}")
    return 0


def _refuse_unable(registry: Registry, name: str) -> None:
    if not _able(registry, name):
        able = ", ".join(other for other in registry.names("generator") if _able(registry, other))
        raise BenchError(f"generator {name} has no published checkpoint format; those that have one: {able}")


def _able(registry: Registry, name: str) -> bool:
    cls = registry.load("generator", name)
    assert issubclass(cls, Generator)
    return cls.import_checkpoint is not Generator.import_checkpoint


def _refuse_taken(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise BenchError(f"--out {out}: is a file; name a folder that is absent or empty")
    if out.is_dir() and any(out.iterdir()):
        raise BenchError(f"--out {out}: is not empty; name a folder that is absent or empty")


def _write(generator: Generator, file: Path, out: Path) -> tuple[str, ...]:
    """The folder appears whole or not at all."""
    remove_parts_of(out.absolute())
    with replacing(out.absolute()) as part:
        part.mkdir()
        lines = generator.import_checkpoint(file, part)
        write_digests(part)
    return lines
