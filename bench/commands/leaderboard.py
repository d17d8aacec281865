"""Render the leaderboard again from the records of earlier runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands._options import add_results_option
from bench.commands._parser import Parser
from bench.files.atomic import write_atomic
from bench.progress.terminal import show
from bench.report.render import FORMATS
from bench.report.write import per_image_csv
from bench.workflows.leaderboard import leaderboard
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
    report = leaderboard(args.results, args.dataset, args.profile)
    text = FORMATS[args.format](report.table) if args.format else report.text()
    # Files first: what cannot be printed must not keep them from being written.
    if args.per_image is not None:
        _write(args.per_image, per_image_csv(report))
    if args.out is None:
        show(text)
    else:
        _write(args.out, text)
    return 0


def _write(path: Path, text: str) -> None:
    write_atomic(path, text)
    show(f"written: {path}")
