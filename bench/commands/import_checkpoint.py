"""Turn weights that a method's authors published into a folder to sample from. Nothing in the file is executed."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands._options import add_plugin_option, add_profile_options
from bench.commands._parser import Parser
from bench.progress.terminal import show
from bench.workflows.import_checkpoint import ImportRequest, import_checkpoint


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
    request = ImportRequest(
        file=args.file,
        generator=args.generator,
        out=args.out,
        profile=args.profile,
        settings=tuple(args.overrides),
        plugins=tuple(args.plugin),
    )
    for line in import_checkpoint(request):
        show(line)
    show(f"written: {args.out}")
    return 0
