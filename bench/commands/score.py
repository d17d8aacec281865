"""Score probability maps or masks made elsewhere against true masks, in every convention of Dice and IoU.

Files are matched by their names without endings. A map is an image of 8-bit grey, probability x 255 (a mask: 0 and
255), at the mask's own size; lesion in a mask is > 127. A missing map, one too many, unequal sizes or EXIF
orientations, colour, labels, 16 bits and maps that all hold 0 and 1 in place of 0 and 255 are refused by name: to skip
or to guess would change the score. Masks of labels, palettes or colours are read where --mask-label says which of them
are lesion; predictions that hold labels themselves are then read by the same."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.commands._options import add_file_options, at_least
from bench.commands._parser import Parser
from bench.errors import BenchError
from bench.files.atomic import write_atomic
from bench.progress.terminal import say, show
from bench.report.document import FORMATS
from bench.workflows.places import refuse_place
from bench.workflows.request import ScoreRequest
from bench.workflows.score import score


def add_arguments(parser: Parser) -> None:
    """The folders, how files are read and what is written."""
    parser.add_argument("--pred", type=Path, required=True, metavar="DIR", help="folder of maps or masks to score")
    parser.add_argument(
        "--truth",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of true masks, or one that holds masks/; manifest.csv beside masks/ (columns id, group) says "
        "which images belong together, for the intervals",
    )
    parser.add_argument(
        "--mask-suffix", default="", metavar="TEXT", help="ending of the masks' names only, for example _segmentation"
    )
    add_file_options(parser)
    parser.add_argument(
        "--shape-scores",
        action="store_true",
        help="S-measure, weighted F, HD95 and surface Dice too: tens of ms an image, where all others take less than "
        "decoding",
    )
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="table",
        help="a table for the terminal; csv and json hold full precision (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: standard output)")
    parser.add_argument("--per-image", type=Path, metavar="FILE", help="CSV of every image's scores and pixel counts")
    parser.add_argument(
        "--seed", type=at_least(0), default=0, metavar="S", help="of the intervals' bootstrap (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0; what cannot be scored raises BenchError."""
    _refuse_places({"--out": args.out, "--per-image": args.per_image})
    found = score(
        ScoreRequest(
            pred=args.pred,
            truth=args.truth,
            mask_suffix=args.mask_suffix,
            mask_labels=tuple(args.mask_label),
            max_pixels=args.max_pixels,
            shape_scores=args.shape_scores,
            seed=args.seed,
        )
    )
    text = found.to(args.format)
    if args.per_image is not None:
        _write(args.per_image, found.per_image())
    if args.out is None:
        show(text)
    else:
        _write(args.out, text)
    return 0


def _refuse_places(places: dict[str, Path | None]) -> None:
    for option, path in places.items():
        refuse_place(option, path)
    if len(set(places.values())) == 1 and None not in places.values():
        raise BenchError(f"--out and --per-image {places['--out']}: one file for both; name two")


def _write(path: Path, text: str) -> None:
    write_atomic(path, text)
    say(f"written: {path}")
