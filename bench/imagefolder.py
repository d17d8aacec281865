"""A folder of images, with or without masks, as a set to compare."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contracts import NO_MASK, Progress, Sample, Split
from bench.data import fingerprint
from bench.errors import BenchError
from bench.files import sha256_file
from bench.images import CONVERSIONS, SUFFIXES, ZERO_AND_ONE, header_of, load_grey, size_of, squash_of
from bench.listing import MANIFEST, files_by_stem, first_folder, manifest_rows, match
from bench.pixels import Picture, Pixels

LEAST = 3
"""Fewer images have no interval: leaving one out must leave a pair."""
CHUNK = 64
_COPY = re.compile(r"(.+)-copy\d+")


@dataclass(frozen=True)
class ImageFolder:
    """`sizes`: number of images by (width, height); `fingerprint`: hash of all that lies in it, names of folders apart;
    `notes`: what a reader must know of how the files were taken."""

    name: str
    path: Path
    samples: Split
    fingerprint: str
    sizes: Mapping[tuple[int, int], int]
    notes: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) of every image, None when they differ."""
        return next(iter(self.sizes)) if len(self.sizes) == 1 else None

    @property
    def has_masks(self) -> bool:
        return all(sample.has_mask for sample in self.samples)


def read_folder(path: Path, synthetic: bool) -> ImageFolder:
    """Images of `path/images`, or of `path` itself; masks of equal stems in `path/masks`, where there is such a folder.

    An optional `path/manifest.csv` has a row for every image: `id` (file stem) and any of `group` (images that belong
    together), `prompt` and, of a synthetic set, `source` (id of the mask or real image it was made from; where none is
    given, `NAME-copy2` was made from `NAME`). Names and headers are read here, pixels by `open_all`.
    """
    role = "synthetic" if synthetic else "real"
    if not path.is_dir():
        raise BenchError(f"{role} folder {path}: no such folder; name one that holds images, or images/ and masks/")
    images, masks = first_folder(path, ("images", "image")) or path, first_folder(path, ("masks", "mask"))
    samples = match(images, masks, "") if masks else _without_masks(images)
    if len(samples) < LEAST:
        endings = ", ".join(SUFFIXES)
        raise BenchError(
            f"{role} folder {images}: {len(samples)} image(s) of the endings {endings}; at least {LEAST} are needed"
            f"{_deeper(path)}"
        )
    rows = manifest_rows(path, [sample.id for sample in samples])
    samples = tuple(_described(sample, rows.get(sample.id, {}), synthetic) for sample in samples)
    headers = [header_of(sample.image) for sample in samples]
    _refuse_unequal_sizes(samples, [size for size, _ in headers])
    name = path.resolve().name
    notes = (
        *_conversions(f"{role} set {name}", [mode for _, mode in headers]),
        *_left_out({path, images, masks}),
        *_repeated(f"{role} set {name}", samples),
    )
    return ImageFolder(name, path, samples, fingerprint(samples), Counter(size for size, _ in headers), notes)


def _without_masks(images: Path) -> Split:
    return tuple(Sample(stem, path, NO_MASK) for stem, path in sorted(files_by_stem(images).items()))


def _described(sample: Sample, row: Mapping[str, str], synthetic: bool) -> Sample:
    copy = _COPY.fullmatch(sample.id)
    source = (row.get("source") or (copy[1] if copy else "")) if synthetic else ""
    return replace(sample, group=row.get("group") or "", prompt=row.get("prompt") or "", source=source)


def _refuse_unequal_sizes(samples: Split, sizes: Sequence[tuple[int, int]]) -> None:
    for sample, size in zip(samples, sizes, strict=True):
        if sample.has_mask and (of_mask := size_of(sample.mask)) != size:
            unequal = f"{size[0]}x{size[1]} and {of_mask[0]}x{of_mask[1]}"
            raise BenchError(f"{sample.image} and {sample.mask} differ in size ({unequal}); bring both to one size")


def _conversions(what: str, modes: Sequence[str]) -> list[str]:
    counts = Counter(rule for mode in modes if (rule := CONVERSIONS.get(mode)))
    return [f"{what}: {count} of {len(modes)} images: {rule}" for rule, count in counts.items()]


def _deeper(path: Path) -> str:
    """Where the images may be meant to come from, if one level below there are some."""
    found = sorted(inside for inside in path.iterdir() if inside.is_dir() and first_folder(inside, ("images", "image")))
    return f"; did you mean {found[0]}?" if found else ""


def _repeated(what: str, samples: Split) -> list[str]:
    distinct = len({sha256_file(sample.image) for sample in samples})
    if distinct == len(samples):
        return []
    return [
        f"{what}: {len(samples)} images, {distinct} distinct: the others are the same bytes again, which intervals and "
        "measures that count images take for independent ones"
    ]


def _left_out(folders: set[Path | None]) -> list[str]:
    files = sorted(path for folder in folders if folder for path in folder.iterdir() if _is_no_image(path))
    return [f"left out, no image by its name: {files[0]}{_and_more(len(files) - 1)}"] if files else []


def _is_no_image(path: Path) -> bool:
    known = path.suffix.lower() in SUFFIXES or path.name == MANIFEST or path.name.startswith(".")
    return path.is_file() and not known


def _and_more(count: int) -> str:
    return f" (and {count} more files)" if count else ""


def open_all(
    folder: ImageFolder, pixels: Pixels, size: tuple[int, int] | None, workers: int, progress: Progress
) -> None:
    """Decode every image, squashed to `size` where given, and every mask. BenchError names the first bad file."""
    with progress.bar(len(folder.samples), "image") as bar:
        for start in range(0, len(folder.samples), CHUNK):
            chunk = folder.samples[start : start + CHUNK]
            pixels.load([Picture(sample.image, squash_of(sample.image, size)) for sample in chunk], workers)
            for sample in chunk:
                if sample.has_mask and load_grey(sample.mask).max() == 1:
                    raise BenchError(f"{sample.mask}: {ZERO_AND_ONE}")
            bar.update(len(chunk))
