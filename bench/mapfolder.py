"""A folder of probability maps or masks made elsewhere, beside the true masks: matched by stem, nothing skipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.contracts import Sample, Split
from bench.errors import BenchError
from bench.images import SUFFIXES, ZERO_AND_ONE, header_of, load_grey, load_rgb
from bench.listing import MANIFEST, files_by_stem, first_folder, manifest_rows
from bench.store import RECORD

MASKS = ("masks", "mask")
GREY_MODES = ("L", "1")
GREY_ENOUGH = 16
"""Levels by which channels may differ in a grey image kept as RGB: a JPEG's may, a little."""


@dataclass(frozen=True)
class MapFolder:
    """`maps[i]` belongs to `samples[i]`; a sample's image is its map, since no other image is looked at."""

    samples: Split
    maps: tuple[Path, ...]


def read_maps(pred: Path, truth: Path, suffix: str = "") -> MapFolder:
    """Maps in `pred`; masks in `truth/masks` or in `truth` itself, their stems less `suffix`.

    `manifest.csv` among the masks, or beside their folder where it is called masks, may say which of them belong
    together (columns `id`, `group`). BenchError names the first map without mask, mask without map, file that is no
    image, pair of unequal size, and colour image.
    """
    for option, folder in (("--pred", pred), ("--truth", truth)):
        if not folder.is_dir():
            raise BenchError(f"{option} {folder}: no such folder; name the one that holds the files")
    masks = first_folder(truth, MASKS) or truth
    found, wanted = _files(pred), _files(masks, suffix, MANIFEST)
    _refuse_unmatched(found, wanted, pred, masks)
    groups = manifest_rows(_place_of_manifest(masks), list(wanted))
    samples = tuple(
        Sample(stem, found[stem], wanted[stem], group=groups.get(stem, {}).get("group") or "")
        for stem in sorted(wanted)
    )
    _refuse_unequal_sizes(samples)
    for path in (*found.values(), *wanted.values()):
        _refuse_colour(path)
    return MapFolder(samples, tuple(sample.image for sample in samples))


def _place_of_manifest(masks: Path) -> Path:
    among = (masks / MANIFEST).is_file() or masks.resolve().name not in MASKS
    return masks if among else masks.resolve().parent


def _files(folder: Path, suffix: str = "", apart: str = "") -> dict[str, Path]:
    """By stem less `suffix`; `apart`, hidden files and the store's record are none of them."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in (apart, RECORD):
            continue
        if path.is_dir():
            raise BenchError(f"{path}: is a folder; score each set by itself, or move it away")
        if path.suffix.lower() not in SUFFIXES:
            raise BenchError(f"{path}: no image by its name ({', '.join(SUFFIXES)}); convert it or move it away")
    found = files_by_stem(folder, suffix)
    if not found:
        raise BenchError(f"{folder}: holds no image ({', '.join(SUFFIXES)}); name the folder that holds them")
    return found


def _refuse_unmatched(found: Mapping[str, Path], wanted: Mapping[str, Path], pred: Path, masks: Path) -> None:
    absent, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if absent:
        raise BenchError(
            f"{wanted[absent[0]]}: no prediction {absent[0]} in {pred}{_and_more(absent)}; predict every image "
            "(names without their endings must be equal; an ending of the masks only: --mask-suffix)"
        )
    if extra:
        raise BenchError(f"{found[extra[0]]}: no mask {extra[0]} in {masks}{_and_more(extra)}; add it or move it away")


def _refuse_unequal_sizes(samples: Split) -> None:
    unequal = [
        f"{sample.image}: {_times(ours)}, but its mask {sample.mask} is {_times(theirs)}"
        for sample in samples
        if (ours := header_of(sample.image)[0]) != (theirs := header_of(sample.mask)[0])
    ]
    if unequal:
        raise BenchError(f"{unequal[0]}{_and_more(unequal)}; bring each map to its image's own size")


def _refuse_colour(path: Path) -> None:
    """Grey of a colour is no probability, and that of a label's colour no lesion."""
    if header_of(path)[1] not in GREY_MODES:
        pixels = load_rgb(path)
        if int(np.ptp(pixels, axis=2).max()) > GREY_ENOUGH:
            raise BenchError(f"{path}: is a colour image; save the probability, or the mask, as 8-bit grey")


def refuse_unscaled(folder: MapFolder, rows: Sequence[Mapping[str, Any]]) -> None:
    """BenchError for a mask of 0 and 1, or of another label up to 127, in place of 0 and 255; and for maps of 0 and 1,
    if all are: one may be a faint prediction.

    `rows`: their scores, which tell what is empty without another look at the rest.
    """
    for sample, row in zip(folder.samples, rows, strict=True):
        if row["tp"] + row["fn"] == 0:
            _refuse_label(sample.mask)
    if not any(row["tp"] + row["fp"] for row in rows):
        brightest = [int(load_grey(path).max()) for path in folder.maps]
        if max(brightest) == 1:
            raise BenchError(
                f"{folder.maps[brightest.index(1)]}: the pixels of all maps are 0 and 1, and probability 1 is 255: "
                "multiply them by 255"
            )


def _refuse_label(mask: Path) -> None:
    """Of a mask without a pixel above 127. An empty one that was a JPEG once has many faint levels, a label has one."""
    levels = [int(level) for level in np.unique(load_grey(mask)) if level]
    if len(levels) == 1:
        own = f"its pixels are 0 and {levels[0]}, and lesion is > 127: save lesion as 255"
        raise BenchError(f"{mask}: {ZERO_AND_ONE if levels == [1] else own}")


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _and_more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
