"""A synthetic set that was made elsewhere: images and masks in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.contracts import Context, Generator, Split, param, unfinished
from bench.data.layout import match
from bench.data.pair_check import check_pairs, refuse_no_lesion_at_all
from bench.errors import BenchError
from bench.images import load_mask, load_rgb, save_png, size_of
from bench.masks import parse_labels


@dataclass(frozen=True)
class Params:
    """Where the set lies, which files belong together, and what is lesion in its masks."""

    path: str = param("", "folder that holds images/ and masks/ with equal stems", key=False)
    image_suffix: str = param("", "ending of the images' names only")
    mask_suffix: str = param("", "ending of the masks' names only")
    mask_labels: tuple[str, ...] = param((), "what is lesion in masks of labels: levels, palette indices or colours")


class Folder(Generator):
    """Images and masks made elsewhere, scored and trained with as any generator's set. Nothing is learned.

    `path` holds `images/` and `masks/`; files belong together by stem. Their bytes decide what is computed anew.
    """

    version = 2
    own_masks = True
    varies = ()
    Params = Params

    def files(self) -> tuple[Path, ...]:
        return (self._root / "images", self._root / "masks") if not self.missing() else ()

    @property
    def _root(self) -> Path:
        return Path(self.params.path)

    def missing(self) -> tuple[str, ...]:
        """Names alone tell, before anything has been computed."""
        if not self.params.path:
            return ("generator folder: name the synthetic set with --set generator.folder.path=DIR",)
        try:
            pairs = self._pairs()
        except BenchError as error:
            return (f"generator folder: {error}",)
        return () if pairs else (f"generator folder: {self.params.path}/images holds no image; add some",)

    def check_params(self, devices: int) -> None:
        parse_labels(self.params.mask_labels)

    def try_files(self) -> None:
        pairs = self._present()
        lesions = check_pairs(pairs, allow_empty=True, labels=parse_labels(self.params.mask_labels))
        refuse_no_lesion_at_all(lesions, pairs, "name its labels with --set generator.folder.mask_labels=1, or mend it")

    def size(self) -> tuple[int, int] | None:
        """The common size of all images, None when they differ."""
        sizes = {size_of(pair.image) for pair in self._present()}
        return sizes.pop() if len(sizes) == 1 else None

    def pairs(self, conditions: int) -> int:
        return len(self._present())

    def _pairs(self) -> Split:
        p = self.params
        return match(
            self._root / "images", self._root / "masks", "", image_suffix=p.image_suffix, mask_suffix=p.mask_suffix
        )

    def _present(self) -> Split:
        """None where the folder is not there, of which a dry run has told."""
        return () if self.missing() else self._pairs()

    def sample(self, conditions: Split, model_dir: Path, out: Path, ctx: Context) -> None:
        # With --download a run does not stop at what is missing.
        for line in self.missing():
            raise BenchError(line)
        labels, pairs = parse_labels(self.params.mask_labels), self._pairs()
        left = unfinished(pairs, out)
        with ctx.progress.bar(len(pairs), "image", done=len(pairs) - len(left)) as bar:
            for pair in left:
                save_png(out / "masks" / f"{pair.id}.png", load_mask(pair.mask, labels=labels) * 255)
                save_png(out / "images" / f"{pair.id}.png", load_rgb(pair.image))
                bar.update()
