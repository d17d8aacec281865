"""Plan repeats and test images for a difference that is to be seen.

The noise that the plan rests on is that of a finished run's own rows (--results, --run), or is given in standard
deviations of a paired difference (--images and --sd-…). Either way a table says the smallest difference that four of
five such runs show, and a sentence what it takes to see --margin."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands._parser import Parser
from bench.files.atomic import write_atomic
from bench.progress.terminal import say, show
from bench.report.document import FORMATS
from bench.workflows.places import refuse_place
from bench.workflows.power import power
from bench.workflows.request import PowerRequest


def add_arguments(parser: Parser) -> None:
    """The difference, where its noise is known from, and how the plan is shown."""
    parser.add_argument(
        "--margin", type=float, metavar="DELTA", help="difference of scores that is to be seen (default: 0.01)"
    )
    parser.add_argument(
        "--results", type=Path, metavar="DIR", help="folder of a finished run (default: results, if no number is given)"
    )
    parser.add_argument("--run", default="", metavar="RUN", help="which run there (default: the newest)")
    parser.add_argument(
        "--repeats", type=int, metavar="R", help="repeats to begin with (default: the run's; without a run 3)"
    )
    parser.add_argument(
        "--images",
        type=int,
        metavar="N",
        help="test images to begin with (default: the run's); without a run: independent ones",
    )
    noise = parser.group("standard deviations of a paired difference (default: the run's)")
    noise.add_argument("--sd-repeats", type=float, metavar="SD", help="over repeats (without a run: 0.01)")
    noise.add_argument("--sd-images", type=float, metavar="SD", help="over test images (without a run: 0.15)")
    noise.add_argument("--sd-both", type=float, metavar="SD", help="of one image in one repeat (without a run: 0)")
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="table",
        help="a table for the terminal; csv and json hold full precision (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: standard output)")


def run(args: argparse.Namespace) -> int:
    """Exit code 0; what cannot be planned raises BenchError."""
    refuse_place("--out", args.out)
    names = ("margin", "results", "run", "repeats", "images", "sd_repeats", "sd_images", "sd_both")
    text = power(PowerRequest.of(**{name: getattr(args, name) for name in names})).to(args.format)
    if args.out is None:
        show(text)
    else:
        write_atomic(args.out, text)
        say(f"written: {args.out}")
    return 0
