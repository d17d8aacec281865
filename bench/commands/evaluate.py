"""Score folders of synthetic images against a folder of real ones, each image decoded once and looked at once by each
network. What was scored before is not computed again, and the same command resumes.

A folder holds images, or images/ and masks/ of equal file stems, and perhaps manifest.csv with a row for every image:
id (file stem) and any of group (images of one video or patient), prompt, source (of a synthetic image: id of the mask
or real image it was made from). Read are png, jpg, bmp, tif, webp and gif of 8 bits a channel: grey is repeated over
three channels, a palette looked up, opaque alpha dropped, an EXIF orientation not applied. Masks are grey of 0 and 255.
Refused by name: transparent pixels, 16 bits, floats, CMYK, files of several images, masks of labels (but see
--mask-label), an image and a mask of unequal EXIF orientation, and whatever cannot be read. Where all synthetic images
have one size, real images are squashed to it first."""

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
    refuse_place,
)
from bench.engine.threads import note_of, settle_threads
from bench.files.atomic import write_atomic
from bench.progress.terminal import say, show
from bench.report.document import FORMATS
from bench.report.evaluation import document
from bench.workflows.evaluate import Request, evaluate_folders


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--real", type=Path, required=True, metavar="DIR", help="folder of real images")
    parser.add_argument(
        "--fake", type=Path, required=True, action="append", metavar="DIR",
        help="folder of synthetic images (repeatable: all against the same real ones)",
    )  # fmt: skip
    parser.add_argument(
        "--metric", action="append", default=[], metavar="NAME",
        help="what to compute (repeatable; default: every metric that trains nothing). Names: python -m bench list",
    )  # fmt: skip
    parser.add_argument(
        "--segmenter", action="append", default=[], metavar="NAME",
        help="network that a metric trains on two thirds of the real pairs (default: the profile's)",
    )  # fmt: skip
    add_set_options(parser)
    add_profile_options(parser)
    add_plugin_option(parser)
    add_weights_options(parser)
    add_results_option(parser)
    parser.add_argument("--seed", type=int, metavar="S", help="of everything random (default: the profile's)")
    add_machine_options(parser)
    parser.add_argument(
        "--format", choices=tuple(FORMATS), default="table",
        help="a short table for the terminal; csv and json hold every number in full precision and the thirds by "
        "lesion size (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: standard output)")


def run(args: argparse.Namespace) -> int:
    refuse_place("--out", args.out)
    threads = note_of(args.results, vars(args))
    settle_threads(threads)
    evaluation = evaluate_folders(_request(args), say)
    if not evaluation.troubles:
        threads.unlink(missing_ok=True)
    if evaluation.rows:
        _publish(FORMATS[args.format](document(evaluation)), args.out)
    if not evaluation.rows or args.format == "csv":
        # The other formats hold them.
        for note in evaluation.notes:
            say(f"note: {note}")
    for trouble in evaluation.troubles:
        say(f"bench: {trouble.what}: {trouble.message}")
    if any(trouble.ours for trouble in evaluation.troubles):
        return 1
    return 2 if evaluation.troubles else 0


def _request(args: argparse.Namespace) -> Request:
    return Request(
        real=args.real,
        fakes=tuple(args.fake),
        metrics=tuple(args.metric),
        segmenters=tuple(args.segmenter),
        profile=args.profile,
        settings=tuple(args.overrides),
        plugins=tuple(args.plugin),
        results=args.results,
        device=args.device,
        workers=args.num_workers,
        seed=args.seed,
        weights=args.weights,
        download=args.download,
        image_suffix=args.image_suffix or "",
        mask_suffix=args.mask_suffix or "",
        mask_labels=tuple(args.mask_label),
        max_pixels=args.max_pixels,
        strict=args.strict,
    )


def _publish(text: str, out: Path | None) -> None:
    if out is None:
        show(text)
    else:
        write_atomic(out, text)
        show(f"written: {out}")
