"""Matches images and masks by stem and checks what lies behind the names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from bench.contracts import Sample, Split
from bench.errors import BenchError
from bench.images import SUFFIXES, load_grey, load_mask, load_rgb

Group = Callable[[str], str]


def first_folder(root: Path, names: Iterable[str]) -> Path | None:
    """The first of several spellings that exists below `root`."""
    return next((root / name for name in names if (root / name).is_dir()), None)


def below(root: Path, name: str, inside: str) -> Path:
    """`root` itself when it holds `inside`, else `root/name`: users give either."""
    return root if (root / inside).exists() else root / name


def files_by_stem(folder: Path, suffix: str = "", ignore: str = "") -> dict[str, Path]:
    """Image files of a folder by stem, with a known ending of the stem taken off. Two files of one stem are refused.

    Hidden files are left out: macOS puts `._name.png` beside every image of an archive it packs.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if ignore and path.stem.endswith(ignore):
            continue
        stem = path.stem.removesuffix(suffix)
        if stem in found:
            raise BenchError(f"{path}: {found[stem].name} has the same stem; remove one of them")
        found[stem] = path
    return found


def match(
    images: Path, masks: Path, prompt: str, group: Group = lambda _: "", mask_suffix: str = "", ignore: str = ""
) -> Split:
    """Pairs by stem, sorted by stem. BenchError names an image without mask and a mask without image."""
    for folder in (images, masks):
        if not folder.is_dir():
            raise BenchError(f"{folder}: no such folder; it must hold the {'images' if folder is images else 'masks'}")
    image_of, mask_of = files_by_stem(images, ignore=ignore), files_by_stem(masks, mask_suffix)
    lonely = sorted(set(image_of) - set(mask_of))
    if lonely:
        raise BenchError(f"{image_of[lonely[0]]}: no mask of that name in {masks}{_and_more(lonely)}; add or remove it")
    lonely = sorted(set(mask_of) - set(image_of))
    if lonely:
        raise BenchError(
            f"{mask_of[lonely[0]]}: no image of that name in {images}{_and_more(lonely)}; add or remove it"
        )
    return tuple(Sample(stem, image_of[stem], mask_of[stem], prompt, group(stem)) for stem in sorted(image_of))


def _and_more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def check(samples: Split, allow_empty_masks: bool) -> None:
    """Decode every pair. BenchError names the first unreadable file, unequal size or mask without foreground."""
    for sample in samples:
        image, mask = load_rgb(sample.image), load_mask(sample.mask)
        if image.shape[:2] != mask.shape:
            sizes = f"{image.shape[1]}x{image.shape[0]} and {mask.shape[1]}x{mask.shape[0]}"
            raise BenchError(f"{sample.image} and {sample.mask} differ in size ({sizes}); bring both to one size")
        if not allow_empty_masks and not mask.any():
            raise BenchError(f"{sample.mask}: no foreground; {_remedy(int(load_grey(sample.mask).max()))}")


def _remedy(brightest: int) -> str:
    if brightest == 1:
        return "its pixels are 0 and 1, and lesion is > 127: multiply the masks by 255"
    return "no pixel is above 127: remove the pair, or allow it with --set dataset.NAME.allow_empty_masks=true"
