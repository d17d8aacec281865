"""Options that several commands share, and what they say as fields of a request."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.commands._parser import Group, Parser
from bench.contracts import SOURCES
from bench.images import MAX_PIXELS

RESULTS = Path("results")


def at_least(low: int) -> Callable[[str], int]:
    """An argparse type: whole numbers from `low` on."""

    def integer(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"{value} is out of range; allowed: {low} or more")
        return value

    return integer


def add_file_options(parser: Parser) -> Group:
    """How files of images and masks are read; the group takes more."""
    files = parser.group(
        "how files are read",
        "Masks are grey of 0 and 255, of their image's size and stem. Pixels are taken as they are stored: an EXIF "
        "orientation is not applied, and an image and a mask of unequal orientation are refused.",
    )
    files.add_argument(
        "--mask-label",
        action="append",
        default=[],
        metavar="LABEL",
        help="what is lesion in masks that hold labels: a grey level or palette index, or a colour such as '#800000' "
        "(repeatable; ordinary masks of 0 and 255 are read as ever)",
    )
    files.add_argument(
        "--max-pixels",
        type=at_least(1),
        metavar="N",
        help=f"refuse pictures of more pixels before they are decoded (default: {MAX_PIXELS})",
    )
    return files


def add_set_options(parser: Parser) -> None:
    """How the files of whole sets are named and read."""
    files = add_file_options(parser)
    for what in ("image", "mask"):
        files.add_argument(
            f"--{what}-suffix", metavar="TEXT", help=f"ending of the {what}s' names only, for example _{what}"
        )
    files.add_argument(
        "--strict", action="store_true", help="refuse images that stand in two splits, or twice in one, byte for byte"
    )


def add_plugin_option(parser: Parser) -> None:
    """`--plugin`: plugins of the user's own."""
    parser.add_argument(
        "--plugin",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a Python file with your own dataset, generator, metric, extractor or segmenter (repeatable)",
    )


def add_results_option(parser: Parser) -> None:
    """`--results`: where the store, logs and tables lie."""
    parser.add_argument(
        "--results",
        type=Path,
        default=RESULTS,
        metavar="DIR",
        help="folder for the store, logs and tables (default: %(default)s)",
    )


def add_weights_option(parser: Parser) -> None:
    """`--weights`: where weight files lie."""
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="DIR",
        help="folder of weight files for feature extractors, under their own names (default: torch hub's; see doctor)",
    )


def add_weights_options(parser: Parser) -> None:
    """`--weights`, and whether what is absent may be fetched."""
    add_weights_option(parser)
    parser.add_argument(
        "--download", action="store_true", help="allow fetching a base model or weights that are absent"
    )


def add_profile_options(parser: Parser, default: str = "demo") -> None:
    """`--profile` and `--set`: every parameter of every plugin."""
    parser.add_argument(
        "--profile", default=default, metavar="NAME", help="protocol: a name or a .toml file (default: %(default)s)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME.FIELD=VALUE",
        dest="overrides",
        help="change one parameter of a plugin, for example siamese.steps=200 (repeatable)",
    )


def add_data_options(many: Group) -> None:
    """What networks are trained on, and which."""
    many.add_argument("--dataset", required=True, metavar="NAME", help="the image–mask pairs to learn from and test on")
    many.add_argument("--data", type=Path, metavar="DIR", help="folder of the real data; without it a stand-in is made")
    many.add_argument(
        "--segmenter", action="append", default=[], metavar="NAME", help="network to train (default: the profile's)"
    )


def add_metric_option(many: Group) -> None:
    """`--metric`: those of a profile, or some."""
    many.add_argument(
        "--metric", action="append", default=[], metavar="NAME", help="score of the set (default: the profile's)"
    )


def add_seed_option(many: Group) -> None:
    """`--seed`: the profile's, or another."""
    many.add_argument("--seed", type=int, metavar="S", help="base seed of everything random (default: the profile's)")


def add_showing_options(parser: Parser) -> None:
    """How much is shown, and whether anything is computed."""
    parser.add_argument("--verbose", action="store_true", help="show every stage and every note, as the log has them")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print the plan, what is cached, and estimated memory and time; run nothing",
    )


def add_repeats_options(many: Group) -> None:
    """How often everything random is done, and what changes then."""
    many.add_argument(
        "--repeats",
        type=int,
        metavar="R",
        help="train and sample each generator and train each network so often, each time with seeds of its own "
        "(default: the profile's)",
    )
    many.add_argument(
        "--vary",
        nargs="+",
        action="extend",
        default=[],
        choices=SOURCES,
        metavar="SOURCE",
        help="what changes from repeat to repeat: generator (its training), sample, segmenter (default: all three)",
    )


def add_generator_parameters(many: Group) -> None:
    """Two that most generators have."""
    many.add_argument(
        "--precision", help="of the generators: fp32 or bf16 arithmetic (default: the profile's); --set wins"
    )
    many.add_argument(
        "--batch-size",
        metavar="BATCH",
        help="of the generators: images an optimiser step, over all devices (default: the profile's); --set wins",
    )


def add_machine_options(parser: Parser) -> None:
    """Nothing here changes a result."""
    parser.add_argument(
        "--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)"
    )
    parser.add_argument(
        "--num-workers",
        type=at_least(0),
        default=0,
        metavar="N",
        help="threads that decode images (default: %(default)s)",
    )


def shared(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of a `Request`, which `run` and `evaluate` have in common."""
    return {
        "metrics": tuple(args.metric),
        "segmenters": tuple(args.segmenter),
        "seed": args.seed,
        "profile": args.profile,
        "settings": tuple(args.overrides),
        "plugins": tuple(args.plugin),
        "weights": args.weights,
        "download": args.download,
        "results": args.results,
        "image_suffix": args.image_suffix or "",
        "mask_suffix": args.mask_suffix or "",
        "mask_labels": tuple(args.mask_label),
        "max_pixels": args.max_pixels,
        "strict": args.strict,
        "device": args.device,
        "workers": args.num_workers,
    }
