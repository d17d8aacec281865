"""Score folders of synthetic images against a folder of real ones, each image decoded once and looked at once by each
network. What was scored before is not computed again, and the same command resumes.

A folder holds images, or images/ and masks/ of equal file stems, and perhaps manifest.csv with a row for every image:
id (file stem) and any of group (images of one video or patient), prompt, source (of a synthetic image: id of the mask
or real image it was made from). Read are png, jpg, bmp, tif, webp and gif of 8 bits a channel: grey is repeated over
three channels, a palette looked up, opaque alpha dropped, an EXIF orientation not applied. Masks are grey of 0 and 255.
Refused by name: transparent pixels, 16 bits, floats, CMYK, files of several images, masks of labels (but see
--mask-label), an image and a mask of unequal EXIF orientation, and whatever cannot be read. Where all synthetic images
have one size, real images are resized to it first."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands._options import (
    add_machine_options,
    add_plugin_option,
    add_profile_options,
    add_results_option,
    add_set_options,
    add_weights_options,
    shared,
)
from bench.commands._parser import Parser
from bench.commands._threads import settled_threads
from bench.files.atomic import write_atomic
from bench.progress.terminal import say, show
from bench.report.document import FORMATS, rendered
from bench.report.evaluation import document
from bench.workflows.evaluate import evaluate
from bench.workflows.places import refuse_place
from bench.workflows.request import EvaluateRequest


def add_arguments(parser: Parser) -> None:
    """The folders, what is computed, how files are read and what is written."""
    parser.add_argument("--real", type=Path, required=True, metavar="DIR", help="folder of real images")
    parser.add_argument(
        "--fake",
        type=Path,
        required=True,
        action="append",
        metavar="DIR",
        help="folder of synthetic images (repeatable: all against the same real ones)",
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="NAME",
        help="what to compute (repeatable; default: every metric that trains nothing). Names: python -m bench list",
    )
    parser.add_argument(
        "--segmenter",
        action="append",
        default=[],
        metavar="NAME",
        help="network that a metric trains on two thirds of the real pairs (default: the profile's)",
    )
    add_set_options(parser)
    add_profile_options(parser)
    add_plugin_option(parser)
    add_weights_options(parser)
    add_results_option(parser)
    parser.add_argument("--seed", type=int, metavar="S", help="of everything random (default: the profile's)")
    add_machine_options(parser)
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="table",
        help="a short table for the terminal; csv and json hold every number in full precision and the thirds by "
        "lesion size (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: standard output)")


def run(args: argparse.Namespace) -> int:
    """Exit code: 0 where all is computed, 1 where the suite or a plugin has a fault, 2 for what the user can mend."""
    refuse_place("--out", args.out)
    request = EvaluateRequest(real=args.real, fakes=tuple(args.fake), **shared(args))
    with settled_threads(request) as threads:
        evaluation = evaluate(request)
        if not evaluation.problems:
            threads.unlink(missing_ok=True)
    if evaluation.rows:
        _publish(rendered(document(evaluation), args.format), args.out)
    if not evaluation.rows or args.format == "csv":
        # The other formats hold them.
        for note in evaluation.notes:
            say(f"note: {note}")
    for problem in evaluation.problems:
        say(f"bench: {problem.what}: {problem.message}")
    say(f"log of all stages: {evaluation.log}")
    if any(problem.ours for problem in evaluation.problems):
        return 1
    return 2 if evaluation.problems else 0


def _publish(text: str, out: Path | None) -> None:
    if out is None:
        show(text)
    else:
        write_atomic(out, text)
        show(f"written: {out}")
