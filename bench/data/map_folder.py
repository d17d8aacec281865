"""A folder of probability maps or masks made elsewhere, beside the true masks: matched by stem, nothing skipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contracts import Sample, Split
from bench.data.layout import MASKS, and_more, files_by_stem, first_folder
from bench.data.manifest import MANIFEST, described, read_manifest
from bench.data.relabel import write_masks
from bench.errors import BenchError
from bench.images import SUFFIXES, has_colours, load_grey, refuse_unlike
from bench.masks import Label
from bench.store.artefacts import RECORD

MOST_LABELS = 20
"""Maps none of whose pixels is above it hold labels: so faint a probability is no prediction."""


@dataclass(frozen=True)
class MapFolder:
    """`maps[i]` belongs to `samples[i]`; a sample's image is its map, since no other image is looked at."""

    samples: Split
    maps: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def read_maps(pred: Path, truth: Path, suffix: str = "") -> MapFolder:
    """Maps in `pred`; masks in `truth/masks` or in `truth` itself, their stems less `suffix`.

    `manifest.csv` among the masks, or beside their folder where it is called masks, may say which of them belong
    together (columns `id`, `group`). BenchError names the first map without mask, mask without map, file that is no
    image, and pair of unequal size or orientation.
    """
    for option, folder in (("--pred", pred), ("--truth", truth)):
        if not folder.is_dir():
            raise BenchError(f"{option} {folder}: no such folder; name the one that holds the files")
    masks = first_folder(truth, MASKS) or truth
    found, wanted = _files(pred), _files(masks, suffix, MANIFEST)
    _refuse_unmatched(found, wanted, pred, masks)
    manifest = read_manifest(_place_of_manifest(masks), list(wanted))
    samples = described(
        tuple(Sample(id=name, image=found[name], mask=wanted[name]) for name in sorted(wanted)), manifest
    )
    for sample in samples:
        refuse_unlike(sample.image, sample.mask)
    return MapFolder(samples, tuple(sample.image for sample in samples), tuple(manifest.notes()))


def _place_of_manifest(masks: Path) -> Path:
    among = (masks / MANIFEST).is_file() or masks.resolve().name not in MASKS
    return masks if among else masks.resolve().parent


def _files(folder: Path, suffix: str = "", apart: str = "") -> dict[str, Path]:
    """By stem less `suffix`; `apart`, hidden files and the store's record are none of them."""
    paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    for path in paths:
        if path.name in (apart, RECORD):
            continue
        if path.is_dir():
            raise BenchError(f"{path}: is a folder; score each set by itself, or move it away")
        if path.suffix.lower() not in SUFFIXES:
            raise BenchError(f"{path}: no image by its name ({', '.join(SUFFIXES)}); convert it or move it away")
    found = files_by_stem(folder, suffix)
    if not found:
        raise BenchError(f"{folder}: holds no image ({', '.join(SUFFIXES)}); name the folder that holds them")
    besides = set(paths) - set(found.values()) - {folder / apart, folder / RECORD}
    if besides:
        raise BenchError(f"{min(besides)}: lies beside a file of the same name without that ending; move it away")
    return found


def _refuse_unmatched(found: Mapping[str, Path], wanted: Mapping[str, Path], pred: Path, masks: Path) -> None:
    absent, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if absent:
        raise BenchError(
            f"{wanted[absent[0]]}: no prediction {absent[0]} in {pred}{and_more(absent)}; predict every image "
            "(names without their endings must be equal; an ending of the masks only: --mask-suffix)"
        )
    if extra:
        raise BenchError(f"{found[extra[0]]}: no mask {extra[0]} in {masks}{and_more(extra)}; add it or move it away")


def by_labels(folder: MapFolder, labels: Sequence[Label], scratch: Path) -> MapFolder:
    """The same with masks of 0 and 255 below `scratch`, and maps too where those hold labels themselves.

    BenchError for maps of labels or colours where no `labels` are given: neither is a probability.
    """
    faint, coloured = _faint(folder.maps), next((path for path in folder.maps if has_colours(path)), None)
    if not labels:
        if coloured is not None:
            raise BenchError(
                f"{coloured}: is a colour image and no probability; save the map as 8-bit grey, or, where it shows "
                "classes, say which are lesion with --mask-label"
            )
        if faint:
            raise BenchError(
                f"{folder.maps[0]}: the pixels of all maps are from 0 to {faint}, and probability 1 is 255; multiply "
                "probabilities by 255, or, where these are labels, say which are lesion with --mask-label 1"
            )
        return folder
    samples = write_masks(folder.samples, labels, scratch / "masks")
    if not faint and coloured is None:
        return MapFolder(samples, folder.maps, folder.notes)
    predicted = tuple(replace(sample, mask=path) for sample, path in zip(samples, folder.maps, strict=True))
    maps = tuple(sample.mask for sample in write_masks(predicted, labels, scratch / "maps"))
    return MapFolder(samples, maps, (*folder.notes, "the predictions hold labels, read like the masks'"))


def _faint(maps: Sequence[Path]) -> int:
    """The highest level of all maps where it is that of a label, else 0."""
    highest = 0
    for path in maps:
        highest = max(highest, int(load_grey(path).max()))
        if highest > MOST_LABELS:
            return 0
    return highest
