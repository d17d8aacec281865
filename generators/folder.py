"""A synthetic set that was made elsewhere: images and masks in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Context, Generator, Split, param
from bench.errors import BenchError
from bench.images import SUFFIXES, load_mask, load_rgb, save_png


@dataclass(frozen=True)
class Params:
    path: str = param("", "folder that holds images/ and masks/ with equal stems", key=False)


class Folder(Generator):
    """Images and masks made elsewhere, scored and trained with as any generator's set. Nothing is learned.

    `path` holds `images/` and `masks/`; files belong together by stem. Their bytes decide what is computed anew.
    """

    version = 1
    own_masks = True
    Params = Params

    def files(self) -> tuple[Path, ...]:
        return tuple(_images_and_masks(self.params.path)) if not self.missing() else ()

    def missing(self) -> tuple[str, ...]:
        if not self.params.path:
            return ("generator folder: name the synthetic set with --set generator.folder.path=DIR",)
        absent = [folder for folder in _images_and_masks(self.params.path) if not folder.is_dir()]
        if absent:
            return tuple(
                f"generator folder: {folder}: no such folder; path must hold images/ and masks/" for folder in absent
            )
        return self._unpaired()

    def _unpaired(self) -> tuple[str, ...]:
        """Names alone tell, before anything has been computed."""
        images, masks = (_by_stem(folder) for folder in _images_and_masks(self.params.path))
        lonely = sorted(set(images) ^ set(masks))
        if lonely:
            where = "masks" if lonely[0] in images else "images"
            return (
                f"generator folder: {lonely[0]} is not in {self.params.path}/{where} ({len(lonely)} such); "
                "add or remove it",
            )
        return () if images else (f"generator folder: {self.params.path}/images holds no image; add some",)

    def size(self) -> tuple[int, int] | None:
        """The common size of all images, None when they differ."""
        sizes = {load_rgb(path).shape[1::-1] for path in self._images().values()}
        return sizes.pop() if len(sizes) == 1 else None

    def pairs(self, conditions: int) -> int:
        return len(self._images())

    def _images(self) -> dict[str, Path]:
        """By stem; none where the folder is not there, of which a dry run has told."""
        return {} if self.missing() else _by_stem(Path(self.params.path) / "images")

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        # With --download a run does not stop at what is missing.
        for line in self.missing():
            raise BenchError(line)
        images, masks = (_by_stem(folder) for folder in _images_and_masks(self.params.path))
        with ctx.progress.bar(len(images), "image") as bar:
            for stem, path in images.items():
                if not (out / "images" / f"{stem}.png").is_file():
                    _copy(path, masks[stem], out, stem)
                bar.update()


def _copy(image_file: Path, mask_file: Path, out: Path, stem: str) -> None:
    image, mask = load_rgb(image_file), load_mask(mask_file)
    if image.shape[:2] != mask.shape:
        raise BenchError(f"{image_file} and {mask_file} differ in size; bring both to one size")
    save_png(out / "masks" / f"{stem}.png", mask * 255)
    save_png(out / "images" / f"{stem}.png", image)


def _images_and_masks(path: str) -> tuple[Path, Path]:
    return Path(path) / "images", Path(path) / "masks"


def _by_stem(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            if path.stem in found:
                raise BenchError(f"{path}: {found[path.stem].name} has the same stem; remove one of them")
            found[path.stem] = path
    return found
