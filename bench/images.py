"""Reading and writing images: the only place where a file becomes pixels, so that every room sees the same ones.

What is read: png, jpg, bmp, tif, webp and gif with 8 bits a channel; of the two pictures that phones put into one jpg
(MPO) the first. RGB as it is; grey and single bits repeated over three channels; palettes looked up; alpha dropped
where every pixel is opaque. Refused by name, because a guess would decide the score: transparent pixels (their colour
depends on a background the file does not hold), 16 bits and floats (which window of them is meant the file does not
say), CMYK and other colour spaces, and files of several images. Pixels stay as they are stored: an EXIF orientation is
not applied, a colour profile neither. An image and a mask of unequal orientation are refused.
"""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from bench.errors import BenchError, first_line
from bench.files.atomic import replacing
from bench.masks import GREY_MODES, Label, NoMaskError, colours_of, lesion_pixels

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")
"""Pillow's names; JPEG finds a phone's MPO too. Others are never tried: for some Pillow starts another program."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")
MAX_PIXELS = 100_000_000
"""Pictures above it are refused before they are decoded, unless a run asks for another limit."""
ORIENTATION, UPRIGHT = 0x0112, 1
"""EXIF's tag and the value that its absence means."""
CONVERSIONS = {
    "RGB": "",
    "L": "grey, repeated over three channels",
    "1": "single bits, as black and white",
    "P": "palette, looked up",
    "RGBA": "opaque alpha, dropped",
    "LA": "grey with opaque alpha, dropped",
}
"""What is done to an image by its pixel mode in Pillow's words; other modes are refused."""
_BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError)
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_DEEP = re.compile(r";16[BLN]")
"""Pillow's decoders that read 16 bits a channel: of colour it would keep the upper 8 without a word."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself before its pixels: (width, height), Pillow's pixel mode, EXIF's orientation."""

    size: tuple[int, int]
    mode: str
    orientation: int = UPRIGHT


@contextmanager
def pixel_limit(count: int) -> Iterator[None]:
    """Refuse pictures of more pixels inside the block. The limit is Pillow's own setting, which is put back behind it.

    Pillow warns between once and twice its limit, where we refuse: its warning is not shown.
    """
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, count
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """The picture with its header read. BenchError for what is none, or cannot be read inside the block either."""
    if not path.is_file():
        there = path.exists() or path.is_symlink()
        what = "is no file (a folder, a pipe, a device or a link to nothing); remove it" if there else "no such image"
        raise BenchError(f"{path}: {what}")
    try:
        with Image.open(path, formats=FORMATS) as image:
            limit = Image.MAX_IMAGE_PIXELS
            if limit and image.width * image.height > limit:
                raise Image.DecompressionBombError(f"{image.width}x{image.height} pixels")
            yield image
    except Image.DecompressionBombError as error:
        said = str(error).partition(" exceeds")[0].partition(",")[0]
        raise BenchError(
            f"{path}: {said}, above the limit of {Image.MAX_IMAGE_PIXELS:,}; scale it down, remove it, or raise the "
            "limit with --max-pixels"
        ) from None
    except _BROKEN as error:
        raise BenchError(f"{path}: not a readable image ({_reason(error)}); replace or remove it") from None


def _reason(error: Exception) -> str:
    """Pillow names the file again where it knows no format for it."""
    unknown = isinstance(error, UnidentifiedImageError)
    return f"none of {', '.join(FORMATS)}" if unknown else first_line(error)


def _open(path: Path) -> Image.Image:
    with _opened(path) as image:
        deep = _DEEP.search(str(image.tile))
        # A phone's second picture is a preview or the other eye's.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        image.load()
    if deep or image.mode not in CONVERSIONS:
        depth = "16 bits a channel" if deep else f"pixel mode {image.mode}"
        raise BenchError(f"{path}: {depth} is not RGB or grey of 8 bits; convert it to 8-bit RGB or grey")
    if frames > 1:
        raise BenchError(f"{path}: holds {frames} images; save the one you mean as a file of its own")
    if _transparent(image):
        raise BenchError(f"{path}: has transparent pixels; put it on its background and save it as RGB")
    return image


def _transparent(image: Image.Image) -> bool:
    if "A" not in image.mode and "transparency" not in image.info:
        return False
    return bool((np.asarray(image.convert("RGBA"))[..., 3] < 255).any())


def load_rgb(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """uint8 (height, width, 3), resized to `size` = (width, height) when given, whatever its aspect.

    Pillow's bilinear filter averages when it shrinks (antialiased); the authors' code uses OpenCV's, which does not.
    """
    image = _open(path).convert("RGB")
    if size is not None and image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


VIEWS = (
    *("as it is", "rotated 90°", "rotated 180°", "rotated 270°"),
    *("flipped", "flipped, rotated 90°", "flipped, rotated 180°", "flipped, rotated 270°"),
)
"""The eight flips and rotations of an image; a flip is horizontal (left to right) and comes first."""


def rotate(pixels: np.ndarray, view: int) -> np.ndarray:
    """`pixels` (h, w, …) as `VIEWS[view]` says; rotations are counter-clockwise."""
    return np.rot90(pixels[:, ::-1] if view >= 4 else pixels, view % 4)


def undone(view: int) -> int:
    """The view that turns an image back: `rotate(rotate(pixels, view), undone(view))` are the pixels."""
    return view if view >= 4 else -view % 4


def load_mask(path: Path, size: tuple[int, int] | None = None, labels: Sequence[Label] = ()) -> np.ndarray:
    """uint8 (height, width) in {0, 1}: 1 where grey > 127. Brought to `size` = (width, height) by nearest pixel.

    BenchError for a file of labels, colours or a palette (see `bench.masks`); with `labels` those of them are lesion.
    """
    try:
        binary = lesion_pixels(_open(path), labels)
    except NoMaskError as error:
        raise BenchError(f"{path}: {error}") from None
    if size is None or size == (binary.shape[1], binary.shape[0]):
        return binary
    return np.asarray(Image.fromarray(binary).resize(size, Image.Resampling.NEAREST))


def has_colours(path: Path) -> bool:
    """Whether a file shows other colours than grey, by the rule for masks (`bench.masks.colours_of`)."""
    return header_of(path).mode not in GREY_MODES and bool(colours_of(_open(path)))


def load_grey(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """uint8 (height, width): a probability map or a soft mask × 255, resized as by `load_rgb` when given a size."""
    image = _open(path).convert("L")
    if size is not None and image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) from the header alone; raises BenchError when the file is not an image."""
    return header_of(path).size


def resize_needed(path: Path, size: Sequence[int] | None) -> tuple[int, int] | None:
    """`size` as `load_rgb` takes it, None for an image that has it already: one look serves sets of any size."""
    wanted = (size[0], size[1]) if size else None
    return wanted if wanted and wanted != size_of(path) else None


def header_of(path: Path) -> Header:
    """The mode is a key of `CONVERSIONS` where the file can be read at all."""
    with _opened(path) as image:
        return Header(image.size, image.mode, _orientation(image))


def _orientation(image: Image.Image) -> int:
    try:
        # PNG's own method would decode the pixels to look behind them.
        value = Image.Image.getexif(image).get(ORIENTATION, UPRIGHT)
    except (SyntaxError, ValueError, struct.error):
        return UPRIGHT  # No program can follow a tag in an EXIF block that is broken.
    return value if value in range(2, 9) else UPRIGHT


def refuse_unlike(image: Path, mask: Path) -> None:
    """BenchError where a mask, or a map, cannot lie on its image: unequal orientation or size. Reads headers only."""
    ours, theirs = header_of(image), header_of(mask)
    if ours.orientation != theirs.orientation:
        one, other = ("none" if tag == UPRIGHT else tag for tag in (ours.orientation, theirs.orientation))
        raise BenchError(
            f"{image} has EXIF orientation {one} and {mask} has {other}: pixels are read as they are "
            "stored, so the mask would lie elsewhere; write both upright and without the tag, for example copies with "
            "ImageMagick's mogrify -auto-orient, or drop the tag where the mask was drawn on the stored pixels"
        )
    if ours.size != theirs.size:
        sizes = f"{ours.size[0]}x{ours.size[1]} and {theirs.size[0]}x{theirs.size[1]}"
        raise BenchError(f"{image} and {mask} differ in size ({sizes}); bring both to one size")


def save_png(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 (h, w) or (h, w, 3) so that a kill leaves either no file or a whole one."""
    with replacing(path) as part:
        # Level 1 is several times faster than Pillow's 6 and costs a tenth of the size.
        Image.fromarray(pixels).save(part, format="PNG", compress_level=1)


def is_whole_png(path: Path) -> bool:
    """Whether every part of the file has the check sum that stands behind it, to the last."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            image.verify()
        return path.read_bytes().endswith(_PNG_END)
    except _BROKEN:
        return False
