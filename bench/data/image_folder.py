"""A folder of images, with or without masks, as a set to compare."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contracts import NO_MASK, Progress, Sample, Split
from bench.data.fingerprint import Digests, fingerprint, repeated
from bench.data.layout import Manifest, files_by_stem, first_folder, left_out, match, read_manifest
from bench.data.pair_check import refuse_no_lesion_at_all
from bench.data.pixel_cache import Picture, PixelCache
from bench.errors import BenchError
from bench.images import CONVERSIONS, SUFFIXES, header_of, load_mask, refuse_unlike, squash_of
from bench.masks import Label

LEAST = 3
"""Fewer images have no interval: leaving one out must leave a pair."""
CHUNK = 64
_COPY = re.compile(r"(.+)-copy\d+")


@dataclass(frozen=True)
class Naming:
    """Endings of file names that images, or masks, bear beyond the name they share."""

    image_suffix: str = ""
    mask_suffix: str = ""


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """`sizes`: number of images by (width, height); `fingerprint`: hash of all that lies in it, names of folders apart;
    `notes`: what a reader must know of how the files were taken; `repeats`: of images that come twice."""

    name: str
    path: Path
    samples: Split
    fingerprint: str
    sizes: Mapping[tuple[int, int], int]
    notes: tuple[str, ...]
    repeats: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) of every image, None when they differ."""
        return next(iter(self.sizes)) if len(self.sizes) == 1 else None

    @property
    def has_masks(self) -> bool:
        return all(sample.has_mask for sample in self.samples)


def read_folder(path: Path, synthetic: bool, naming: Naming = Naming()) -> ImageFolder:
    """Images of `path/images`, or of `path` itself; masks of equal stems in `path/masks`, where there is such a folder.

    An optional `path/manifest.csv` has a row for every image: `id` (file stem) and any of `group` (images that belong
    together), `prompt` and, of a synthetic set, `source` (id of the mask or real image it was made from; where none is
    given, `NAME-copy2` was made from `NAME`). Names and headers are read here, pixels by `open_all`.
    """
    role = "synthetic" if synthetic else "real"
    if not path.is_dir():
        raise BenchError(f"{role} folder {path}: no such folder; name one that holds images, or images/ and masks/")
    samples = _pairs(path, naming)
    if len(samples) < LEAST:
        endings = ", ".join(SUFFIXES)
        raise BenchError(
            f"{role} folder {path}: {len(samples)} image(s) of the endings {endings}; at least {LEAST} are needed"
            f"{_deeper(path)}"
        )
    manifest = read_manifest(path, [sample.id for sample in samples])
    samples = tuple(_described(sample, manifest, synthetic) for sample in samples)
    headers = [header_of(sample.image) for sample in samples]
    for sample in samples:
        if sample.has_mask:
            refuse_unlike(sample.image, sample.mask)
    what, digests = f"{role} set {path.resolve().name}", Digests()
    return ImageFolder(
        name=path.resolve().name,
        path=path,
        samples=samples,
        fingerprint=fingerprint(samples, digests),
        sizes=Counter(header.size for header in headers),
        notes=(
            *_conversions(what, [header.mode for header in headers]),
            *manifest.notes(),
            *left_out(samples, [path]),
        ),
        repeats=tuple(repeated({what: samples}, digests)),
    )


def _pairs(path: Path, naming: Naming) -> Split:
    images, masks = first_folder(path, ("images", "image")) or path, first_folder(path, ("masks", "mask"))
    if masks is None and naming.mask_suffix:
        masks = images
    if masks is not None:
        return match(images, masks, "", image_suffix=naming.image_suffix, mask_suffix=naming.mask_suffix)
    found = files_by_stem(images, naming.image_suffix)
    return tuple(Sample(name, file, NO_MASK) for name, file in sorted(found.items()))


def _described(sample: Sample, manifest: Manifest, synthetic: bool) -> Sample:
    row, copy = manifest.rows.get(sample.id, {}), _COPY.fullmatch(sample.id)
    source = (row.get("source") or (copy[1] if copy else "")) if synthetic else ""
    return replace(sample, group=row.get("group") or "", prompt=row.get("prompt") or "", source=source)


def _conversions(what: str, modes: Sequence[str]) -> list[str]:
    counts = Counter(rule for mode in modes if (rule := CONVERSIONS.get(mode)))
    return [f"{what}: {count} of {len(modes)} images: {rule}" for rule, count in counts.items()]


def _deeper(path: Path) -> str:
    """Where the images may be meant to come from, if one level below there are some."""
    found = sorted(inside for inside in path.iterdir() if inside.is_dir() and first_folder(inside, ("images", "image")))
    return f"; did you mean {found[0]}?" if found else ""


def open_all(
    folder: ImageFolder,
    pixels: PixelCache,
    size: tuple[int, int] | None,
    labels: Sequence[Label],
    workers: int,
    progress: Progress,
) -> None:
    """Decode every image, squashed to `size` where given, and every mask.

    BenchError names the first bad file, and a set none of whose masks has a lesion.
    """
    lesions = 0
    with progress.bar(len(folder.samples), "image") as bar:
        for start in range(0, len(folder.samples), CHUNK):
            chunk = folder.samples[start : start + CHUNK]
            pixels.load([Picture(sample.image, squash_of(sample.image, size)) for sample in chunk], workers)
            for sample in chunk:
                if sample.has_mask:
                    lesions += int(load_mask(sample.mask, labels=labels).any())
            bar.update(len(chunk))
    if folder.has_masks:
        refuse_no_lesion_at_all(lesions, folder.samples, "save lesion as 255, or leave the masks out")
