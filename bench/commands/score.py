"""Score probability maps or masks made elsewhere against true masks, in every convention of Dice and IoU.

Files are matched by their names without endings. A map is an image of 8-bit grey, probability x 255 (a mask: 0 and
255), at the mask's own size; lesion in a mask is > 127. A missing map, one too many, unequal sizes or EXIF
orientations, colour, labels, 16 bits and maps that all hold 0 and 1 in place of 0 and 255 are refused by name: to skip
or to guess would change the score. Masks of labels, palettes or colours are read where --mask-label says which of them
are lesion; predictions that hold labels themselves are then read by the same."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.analysis.map_scores import score_set
from bench.commands._options import add_file_options, at_least, refuse_place
from bench.data.map_folder import by_labels, read_maps
from bench.errors import BenchError
from bench.files.atomic import write_atomic
from bench.images import pixel_limit
from bench.masks import parse_labels
from bench.progress.bars import Terminal
from bench.progress.terminal import say, show
from bench.report.document import FORMATS
from bench.report.maps import document
from bench.report.per_image import SCORES, tidy
from bench.segscores import score_maps
from bench.text import csv_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pred", type=Path, required=True, metavar="DIR", help="folder of maps or masks to score")
    parser.add_argument(
        "--truth", type=Path, required=True, metavar="DIR",
        help="folder of true masks, or one that holds masks/; manifest.csv beside masks/ (columns id, group) says "
        "which images belong together, for the intervals",
    )  # fmt: skip
    parser.add_argument(
        "--mask-suffix", default="", metavar="TEXT", help="ending of the masks' names only, for example _segmentation"
    )
    add_file_options(parser)
    parser.add_argument(
        "--shape-scores", action="store_true",
        help="S-measure, weighted F, HD95 and surface Dice too: tens of ms an image, where all others take less than "
        "decoding",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=tuple(FORMATS), default="table",
        help="a table for the terminal; csv and json hold full precision (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: standard output)")
    parser.add_argument("--per-image", type=Path, metavar="FILE", help="CSV of every image's scores and pixel counts")
    parser.add_argument(
        "--seed", type=at_least(0), default=0, metavar="S", help="of the intervals' bootstrap (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    _refuse_places({"--out": args.out, "--per-image": args.per_image})
    labels = parse_labels(args.mask_label)
    with pixel_limit(args.max_pixels), TemporaryDirectory() as scratch:
        folder = by_labels(read_maps(args.pred, args.truth, args.mask_suffix), labels, Path(scratch))
        rows = score_maps(folder.samples, folder.maps, args.shape_scores, Terminal(f"score {args.pred.name}"))
    scored = score_set(str(args.pred), str(args.truth), rows, args.seed, args.shape_scores)
    scored = replace(scored, read=folder.notes)
    text = FORMATS[args.format](document(scored))
    if args.per_image is not None:
        _write(args.per_image, _per_image(rows))
    if args.out is None:
        show(text)
    else:
        _write(args.out, text)
    return 0


def _per_image(rows: Sequence[Mapping[str, Any]]) -> str:
    known = [name for name in SCORES if name in rows[0]]
    lines = ([row["id"], row["group"], *tidy({name: row[name] for name in known}).values()] for row in rows)
    return csv_text(["id", "group", *known], lines)


def _refuse_places(places: dict[str, Path | None]) -> None:
    for option, path in places.items():
        refuse_place(option, path)
    if len(set(places.values())) == 1 and None not in places.values():
        raise BenchError(f"--out and --per-image {places['--out']}: one file for both; name two")


def _write(path: Path, text: str) -> None:
    write_atomic(path, text)
    say(f"written: {path}")
