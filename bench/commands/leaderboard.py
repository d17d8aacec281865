"""Render the leaderboard again from the records of earlier runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands._options import add_results_option
from bench.commands._parser import Parser
from bench.errors import BenchError
from bench.files.atomic import write_atomic
from bench.progress.terminal import show
from bench.report.render import FORMATS
from bench.report.report import make_report
from bench.report.write import per_image_csv
from bench.store.artefacts import Store
from bench.store.run_manifest import load_manifests
from bench.workflows.places import refuse_place


def add_arguments(parser: Parser) -> None:
    """Which runs are shown, and how."""
    parser.add_argument("--format", choices=tuple(FORMATS), help="default: a short table for the terminal")
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: standard output)")
    parser.add_argument(
        "--per-image", type=Path, metavar="FILE", help="write every test image's scores too, a line an image (csv)"
    )
    parser.add_argument("--dataset", metavar="NAME", help="only runs of this dataset")
    parser.add_argument("--profile", metavar="NAME", help="only runs of this profile")
    add_results_option(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; where there is nothing to show BenchError is raised."""
    for option, path in (("--out", args.out), ("--per-image", args.per_image)):
        refuse_place(option, path)
    manifests = [
        manifest
        for manifest in load_manifests(args.results / "runs")
        if args.dataset in (None, manifest.dataset.name, manifest.dataset.asked)
        and args.profile in (None, manifest.protocol.profile)
    ]
    if not manifests:
        asked = "".join(f" --{name} {getattr(args, name)}" for name in ("dataset", "profile") if getattr(args, name))
        remedy = f" with{asked}; leave that out to see all" if asked else "; start one, see python -m bench run --help"
        raise BenchError(f"{args.results / 'runs'}: no run to show{remedy}")
    board = make_report(manifests, Store(args.results / "store"))
    if board is None:
        raise BenchError(f"{args.results}: the runs there have no finished scores; run the same command again")
    text = FORMATS[args.format](board.table) if args.format else board.text()
    # Files first: what cannot be printed must not keep them from being written.
    if args.per_image is not None:
        _write(args.per_image, per_image_csv(board))
    if args.out is None:
        show(text)
    else:
        _write(args.out, text)
    return 0


def _write(path: Path, text: str) -> None:
    write_atomic(path, text)
    show(f"written: {path}")
