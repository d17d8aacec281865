"""Options that several commands share, and whether what they name can be written."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

from bench.errors import BenchError
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


def refuse_place(option: str, path: Path | None) -> None:
    """BenchError for a file that cannot be written, told before the work that fills it."""
    if path is not None and path.is_dir():
        raise BenchError(f"{option} {path}: is a folder; name a file")
    if path is not None:
        refuse_folder(option, path.parent)


def refuse_folder(option: str, folder: Path) -> None:
    """BenchError for a folder that cannot be made or written in."""
    if folder.is_file():
        raise BenchError(f"{option} {folder}: is a file; name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BenchError(f"{option} {folder}: cannot be written ({error.strerror}); name another place") from None


def add_file_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """How files of images and masks are read; the group takes more."""
    files = parser.add_argument_group(
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
        default=MAX_PIXELS,
        metavar="N",
        help="refuse pictures of more pixels before they are decoded (default: %(default)s)",
    )
    return files


def add_set_options(parser: argparse.ArgumentParser) -> None:
    """How the files of whole sets are named and read."""
    files = add_file_options(parser)
    for what in ("image", "mask"):
        files.add_argument(
            f"--{what}-suffix", metavar="TEXT", help=f"ending of the {what}s' names only, for example _{what}"
        )
    files.add_argument(
        "--strict", action="store_true", help="refuse images that stand in two splits, or twice in one, byte for byte"
    )


def add_plugin_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--plugin", type=Path, action="append", default=[], metavar="FILE",
        help="a Python file with your own dataset, generator, metric, extractor or segmenter (repeatable)",
    )  # fmt: skip


def add_results_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="DIR",
        help="folder for the store, logs and tables (default: %(default)s)",
    )  # fmt: skip


def add_weights_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights", type=Path, metavar="DIR",
        help="folder of weight files for feature extractors, under their own names (default: torch hub's; see doctor)",
    )  # fmt: skip


def add_weights_options(parser: argparse.ArgumentParser) -> None:
    add_weights_option(parser)
    parser.add_argument(
        "--download", action="store_true", help="allow fetching a base model or weights that are absent"
    )


def add_profile_options(parser: argparse.ArgumentParser, default: str = "demo") -> None:
    parser.add_argument(
        "--profile", default=default, metavar="NAME", help="protocol: a name or a .toml file (default: %(default)s)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME.FIELD=VALUE", dest="overrides",
        help="change one parameter of a plugin, for example siamese.steps=200 (repeatable)",
    )  # fmt: skip


def add_machine_options(parser: argparse.ArgumentParser) -> None:
    """Nothing here changes a result."""
    parser.add_argument(
        "--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)"
    )
    parser.add_argument(
        "--num-workers", type=at_least(0), default=0, metavar="N",
        help="threads that decode images (default: %(default)s)",
    )  # fmt: skip
