"""What file names tell of a set: images and masks matched by stem, and its manifest. Opens no image."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contracts import NO_MASK, Sample, Split
from bench.data.manifest import MANIFEST, Manifest, clean, described, read_manifest
from bench.errors import BenchError
from bench.images import SUFFIXES
from bench.text import listed

IMAGES, MASKS = ("images", "image"), ("masks", "mask")
"""Spellings of the two folders of a set."""

LONGEST = 200
"""Bytes of an id: names of files that are made from it stay below the system's 255."""
BESIDE = ("_mask", "_masks", "_segmentation", "_seg", "_superpixels", "_gt", "_groundtruth", "_label", "_labels")
"""Endings of files that lie beside an image of the stem before them and are not images of the set."""
CHANNEL = "_0000"
"""Ending by which nnU-Net numbers an image's first channel."""

Group = Callable[[str], str]


@dataclass(frozen=True)
class Naming:
    """Endings of file names that images, or masks, bear beyond the name they share."""

    image_suffix: str = ""
    mask_suffix: str = ""


NO_SUFFIX = Naming()


@dataclass(frozen=True)
class SetFolder:
    """`root` as a set: its samples, sorted by id, and its manifest."""

    root: Path
    samples: Split
    manifest: Manifest

    def notes(self) -> list[str]:
        """What a reader must know of how the files were taken."""
        return [*self.manifest.notes(), *left_out(self.samples, [self.root])]


def read_set(
    root: Path,
    called: str,
    naming: Naming = NO_SUFFIX,
    *,
    prompt: str = "",
    least: int = 1,
    bare: bool = False,
    synthetic: bool = False,
) -> SetFolder:
    """The set in `root`: `images/` (or `image/`), `masks/` (or `mask/`) of equal stems, and `manifest.csv` if it is
    there.

    `prompt`: of images to which the manifest gives none. `bare`: images may lie in `root` itself, masks among them if
    they have a suffix, and masks may be absent. `synthetic`: the images were made from others (see `described`).

    Raises BenchError, which calls the folder `called` (an option and its value, say), where a folder is missing or
    holds fewer than `least` images; names the first file without its partner, and what is wrong in the manifest.
    """
    if not root.is_dir():
        holds = "images, or images/ and masks/" if bare else "images/ and masks/"
        raise BenchError(f"{called}: no such folder; name one that holds {holds}")
    images, masks = first_folder(root, IMAGES), first_folder(root, MASKS)
    if bare:
        images = images or root
        masks = masks or (images if naming.mask_suffix else None)
    if images is None or (masks is None and not bare):
        raise BenchError(f"{called}: must hold images/ and masks/; add or rename them{_deeper(root)}")
    samples = _samples(images, masks, naming, prompt)
    if len(samples) < least:
        raise BenchError(
            f"{called}: {len(samples)} image(s) of the endings {', '.join(SUFFIXES)}; add more, at least {least} are "
            f"needed{_deeper(root)}"
        )
    manifest = read_manifest(root, [sample.id for sample in samples])
    return SetFolder(root, described(samples, manifest, synthetic), manifest)


def _samples(images: Path, masks: Path | None, naming: Naming, prompt: str) -> Split:
    if masks is not None:
        return match(images, masks, prompt, image_suffix=naming.image_suffix, mask_suffix=naming.mask_suffix)
    files = files_by_stem(images, naming.image_suffix)
    return tuple(Sample(id=name, image=file, mask=NO_MASK, prompt=prompt) for name, file in sorted(files.items()))


def _deeper(root: Path) -> str:
    """Where the images may be meant to come from, if one level below there are some."""
    found = sorted(inside for inside in root.iterdir() if inside.is_dir() and first_folder(inside, IMAGES))
    return f"; did you mean {found[0]}?" if found else ""


def first_folder(root: Path, names: Iterable[str]) -> Path | None:
    """The first of several spellings that exists below `root`."""
    return next((root / name for name in names if (root / name).is_dir()), None)


def files_by_stem(folder: Path, suffix: str = "", needed: bool = False) -> dict[str, Path]:
    """Image files of a folder by id: the stem in composed Unicode, less `suffix`, which may be `needed` or not.

    Left out are folders, hidden files (macOS puts `._name.png` beside every image of an archive it packs) and masks or
    superpixels beside their image. BenchError names two files of one id, a name that is not UTF-8, a pipe and a device.
    """
    paths = [path for path in sorted(folder.iterdir()) if _is_image(path)]
    stems = {path.stem for path in paths}
    found: dict[str, Path] = {}
    for path in paths:
        if _lies_beside(path.stem, stems, suffix) or (needed and not path.stem.endswith(suffix)):
            continue
        name = clean(path.stem.removesuffix(suffix))
        if len(name.encode()) > LONGEST:
            raise BenchError(f"{path}: the name is longer than {LONGEST} bytes; shorten it")
        if name in found:
            raise BenchError(f"{path}: {found[name].name} has the same stem; remove one of them")
        found[name] = path
    return found


def _is_image(path: Path) -> bool:
    """By its name; BenchError where the name is right and the thing is wrong."""
    if path.suffix.lower() not in SUFFIXES or path.name.startswith(".") or path.is_dir():
        return False
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise BenchError(
            f"{ascii(str(path))}: the name is not UTF-8; rename it (convmv does so for a folder)"
        ) from None
    if not path.is_file():
        raise BenchError(f"{path}: is no file (a pipe, a device or a link to nothing); remove it")
    return True


def _lies_beside(stem: str, stems: Collection[str], suffix: str) -> bool:
    return any(
        stem.lower().endswith(ending) and stem[: -len(ending)] in stems and ending != suffix.lower()
        for ending in BESIDE
    )


def match(
    images: Path,
    masks: Path,
    prompt: str,
    group: Group = lambda _: "",
    *,
    image_suffix: str = "",
    mask_suffix: str = "",
) -> Split:
    """Pairs by id, sorted by id. BenchError names an image without mask and a mask without image."""
    for folder in (images, masks):
        if not folder.is_dir():
            raise BenchError(f"{folder}: no such folder; it must hold the {'images' if folder is images else 'masks'}")
    mask_of = files_by_stem(masks, mask_suffix, needed=images == masks)
    taken = set(mask_of.values())
    image_of = {name: path for name, path in files_by_stem(images, image_suffix).items() if path not in taken}
    lonely = sorted(set(image_of) - set(mask_of))
    if lonely:
        raise BenchError(
            f"{image_of[lonely[0]]}: no mask of that name in {masks}{and_more(lonely)}; "
            f"{_other_name(lonely[0], masks) or 'add or remove it'}"
        )
    lonely = sorted(set(mask_of) - set(image_of))
    if lonely:
        raise BenchError(f"{mask_of[lonely[0]]}: no image of that name in {images}{and_more(lonely)}; add or remove it")
    return tuple(
        Sample(id=name, image=image_of[name], mask=mask_of[name], prompt=prompt, group=group(name))
        for name in sorted(image_of)
    )


def _other_name(name: str, masks: Path) -> str:
    """The cure where an image's mask is there under another name; empty where it is not."""
    bare = name.removesuffix(CHANNEL)
    for path in sorted(masks.iterdir()):
        stem = clean(path.stem)
        if bare != name and stem == bare:
            return f"its mask is there as {path.name}: say which ending is the images' with --image-suffix {CHANNEL}"
        if stem == name and path.is_file():
            return f"its mask is there as {path.name}, which is none of {', '.join(SUFFIXES)}: convert the masks to png"
        ending = stem.removeprefix(name)
        if stem != ending and ending.startswith(("_", "-", ".", " ")):
            return f"its mask is there as {path.name}: say which ending is the masks' with --mask-suffix {ending}"
    return ""


def and_more(names: Sequence[object]) -> str:
    """How many there are besides the first, which the text before it names; empty where there is none."""
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def left_out(samples: Split, besides: Iterable[Path] = ()) -> list[str]:
    """A line for each folder of a set's images and masks, and each of `besides`, on what else lies in it.

    Hidden files, the manifest and folders of the set itself are not worth a word.
    """
    used = {path for sample in samples for path in (sample.image, sample.mask)}
    folders = {path.parent for path in used if path.name}
    known = used | folders
    notes = []
    for folder in sorted({*folders, *besides}):
        found = [path.name for path in sorted(folder.iterdir()) if path not in known]
        others = [name for name in found if name != MANIFEST and not name.startswith(".")]
        if others:
            notes.append(f"left out of {folder}: {listed([clean(name) for name in others])}")
    return notes
