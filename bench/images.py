"""Reading and writing images: the only place where a file becomes pixels, so that every room sees the same ones.

What is read: png, jpg, bmp, tif and webp with 8 bits a channel. RGB as it is; grey and single bits repeated over three
channels; palettes looked up; alpha dropped where every pixel is opaque. Refused by name, because a guess would decide
the score: transparent pixels (their colour depends on a background the file does not hold), 16 bits and floats (which
window of them is meant the file does not say), CMYK and other colour spaces, and files of several images. Pixels stay
as they are stored: an EXIF orientation is not applied, a colour profile neither.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from bench.errors import BenchError
from bench.files import replacing

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
MASK_THRESHOLD = 127
CONVERSIONS = {
    "RGB": "",
    "L": "grey, repeated over three channels",
    "1": "single bits, as black and white",
    "P": "palette, looked up",
    "RGBA": "opaque alpha, dropped",
    "LA": "grey with opaque alpha, dropped",
}
"""What is done to an image by its pixel mode in Pillow's words; other modes are refused."""
ZERO_AND_ONE = "its pixels are 0 and 1, and lesion is > 127: multiply the masks by 255"
_BROKEN = (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError)
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_DEEP = re.compile(r";16[BLN]")
"""Pillow's decoders that read 16 bits a channel: of colour it would keep the upper 8 without a word."""


def _open(path: Path) -> Image.Image:
    try:
        image = Image.open(path)
        deep, frames = _DEEP.search(str(image.tile)), getattr(image, "n_frames", 1)
        image.load()
    except FileNotFoundError:
        raise BenchError(f"{path}: no such image") from None
    except _BROKEN as error:
        raise BenchError(f"{path}: not a readable image ({error}); replace or remove it") from None
    if deep or image.mode not in CONVERSIONS:
        depth = "16 bits a channel" if deep else f"pixel mode {image.mode}"
        raise BenchError(f"{path}: {depth} is not RGB or grey of 8 bits; convert it to 8-bit RGB or grey")
    if frames > 1:
        raise BenchError(f"{path}: holds {frames} images; save the one that is meant as a file of its own")
    if _transparent(image):
        raise BenchError(f"{path}: has transparent pixels; put it on the background that is meant and save it as RGB")
    return image


def _transparent(image: Image.Image) -> bool:
    if "A" not in image.mode and "transparency" not in image.info:
        return False
    return bool((np.asarray(image.convert("RGBA"))[..., 3] < 255).any())


def load_rgb(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """uint8 (height, width, 3), squashed to `size` = (width, height) when given.

    Squashing is Pillow's bilinear filter, which averages when it shrinks (antialiased); the authors' code uses
    OpenCV's, which does not.
    """
    image = _open(path).convert("RGB")
    if size is not None and image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


VIEWS = ("as it is", "turned 90°", "turned 180°", "turned 270°", "flipped", "flipped, turned 90°",
         "flipped, turned 180°", "flipped, turned 270°")  # fmt: skip
"""The eight flips and quarter turns of an image; a flip is left to right and comes first."""


def turn(pixels: np.ndarray, view: int) -> np.ndarray:
    """`pixels` (h, w, …) as `VIEWS[view]` says; quarter turns are counter-clockwise."""
    return np.rot90(pixels[:, ::-1] if view >= 4 else pixels, view % 4)


def load_mask(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """uint8 (height, width) in {0, 1}: 1 where grey > 127. Brought to `size` = (width, height) by nearest pixel."""
    grey = np.asarray(_open(path).convert("L"))
    binary = (grey > MASK_THRESHOLD).astype(np.uint8)
    if size is None or size == (binary.shape[1], binary.shape[0]):
        return binary
    return np.asarray(Image.fromarray(binary).resize(size, Image.Resampling.NEAREST))


def load_grey(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """uint8 (height, width): a probability map or a soft mask × 255, squashed as by `load_rgb` when given a size."""
    image = _open(path).convert("L")
    if size is not None and image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) from the header alone; raises BenchError when the file is not an image."""
    return header_of(path)[0]


def squash_of(path: Path, size: Sequence[int] | None) -> tuple[int, int] | None:
    """`size` as `load_rgb` takes it, None for an image that has it already: one look serves sets of any size."""
    wanted = (size[0], size[1]) if size else None
    return wanted if wanted and wanted != size_of(path) else None


def header_of(path: Path) -> tuple[tuple[int, int], str]:
    """(width, height) and pixel mode, a key of `CONVERSIONS` where the file can be read at all."""
    try:
        with Image.open(path) as image:
            return image.size, image.mode
    except FileNotFoundError:
        raise BenchError(f"{path}: no such image") from None
    except _BROKEN as error:
        raise BenchError(f"{path}: not a readable image ({error}); replace or remove it") from None


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
