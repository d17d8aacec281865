"""A folder of images, with or without masks, as a set to compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Progress, Split
from bench.data.fingerprint import Digests, fingerprint, repeated
from bench.data.layout import NO_SUFFIX, Naming, read_set
from bench.data.pair_check import refuse_no_lesion_at_all
from bench.data.pixel_cache import Picture, PixelCache
from bench.images import CONVERSIONS, header_of, load_mask, refuse_unlike, resize_needed
from bench.masks import Label

LEAST = 3
"""Fewer images have no interval: leaving one out must leave a pair."""
CHUNK = 64


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
        """Whether every image has one."""
        return all(sample.has_mask for sample in self.samples)


def read_folder(path: Path, synthetic: bool, naming: Naming = NO_SUFFIX) -> ImageFolder:
    """Images of `path/images`, or of `path` itself; masks of equal stems in `path/masks`, where there is such a folder.

    An optional `path/manifest.csv` has a row for every image: `id` (file stem) and any of `group` (images that belong
    together), `prompt` and, of a synthetic set, `source` (id of the mask or real image it was made from; where none is
    given, `NAME-copy2` was made from `NAME`). Names and headers are read here, pixels by `open_all`.
    """
    role = "synthetic" if synthetic else "real"
    listed = read_set(path, f"{role} folder {path}", naming, least=LEAST, bare=True, synthetic=synthetic)
    samples = listed.samples
    headers = [header_of(sample.image) for sample in samples]
    for sample in samples:
        if sample.has_mask:
            refuse_unlike(sample.image, sample.mask)
    conversions = Counter(rule for header in headers if (rule := CONVERSIONS.get(header.mode)))
    what, digests = f"{role} set {path.resolve().name}", Digests()
    return ImageFolder(
        name=path.resolve().name,
        path=path,
        samples=samples,
        fingerprint=fingerprint(samples, digests),
        sizes=Counter(header.size for header in headers),
        notes=(
            *(f"{what}: {count} of {len(headers)} images: {rule}" for rule, count in conversions.items()),
            *listed.notes(),
        ),
        repeats=tuple(repeated({what: samples}, digests)),
    )


def open_all(
    folder: ImageFolder,
    pixels: PixelCache,
    size: tuple[int, int] | None,
    labels: Sequence[Label],
    workers: int,
    progress: Progress,
) -> None:
    """Decode every image, resized to `size` where given, and every mask.

    BenchError names the first bad file, and a set none of whose masks has a lesion.
    """
    lesions = 0
    with progress.bar(len(folder.samples), "image") as bar:
        for start in range(0, len(folder.samples), CHUNK):
            chunk = folder.samples[start : start + CHUNK]
            pixels.load([Picture(sample.image, resize_needed(sample.image, size)) for sample in chunk], workers)
            for sample in chunk:
                if sample.has_mask:
                    lesions += int(load_mask(sample.mask, labels=labels).any())
            bar.update(len(chunk))
    if folder.has_masks:
        refuse_no_lesion_at_all(lesions, folder.samples, "save lesion as 255, or leave the masks out")
