"""Score probability maps or masks made elsewhere against true masks, in every convention of Dice and IoU.

Files are matched by their names without endings. A map is an image of 8-bit grey, probability x 255 (a mask: 0 and
255), at the mask's own size; lesion in a mask is > 127. A missing map, one too many, unequal sizes, colour, 16 bits and
maps that all hold 0 and 1 in place of 0 and 255 are refused by name: to skip or to guess would change the score."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.commands._options import at_least, refuse_place
from bench.errors import BenchError
from bench.files import write_atomic
from bench.mapfolder import read_maps, refuse_unscaled
from bench.mapscores import FORMATS, score_set, to_csv
from bench.per_image import SCORES, tidy
from bench.progress import Terminal
from bench.segscores import score_maps


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
    folder = read_maps(args.pred, args.truth, args.mask_suffix)
    rows = score_maps(folder.samples, folder.maps, args.shape_scores, Terminal(f"score {args.pred.name}"))
    refuse_unscaled(folder, rows)
    scored = score_set(str(args.pred), str(args.truth), rows, args.seed, args.shape_scores)
    text = FORMATS[args.format](scored)
    if args.per_image is not None:
        _write(args.per_image, _per_image(rows))
    if args.out is None:
        print(text)
    else:
        _write(args.out, text)
    return 0


def _per_image(rows: Sequence[Mapping[str, Any]]) -> str:
    known = [name for name in SCORES if name in rows[0]]
    lines = [{"id": row["id"], "group": row["group"], **tidy({name: row[name] for name in known})} for row in rows]
    return to_csv(lines, ["id", "group", *known])


def _refuse_places(places: dict[str, Path | None]) -> None:
    for option, path in places.items():
        refuse_place(option, path)
    if len(set(places.values())) == 1 and None not in places.values():
        raise BenchError(f"--out and --per-image {places['--out']}: one file for both; name two")


def _write(path: Path, text: str) -> None:
    write_atomic(path, text)
    print(f"written: {path}", file=sys.stderr)
