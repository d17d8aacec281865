"""What a mask file says: which of its pixels are lesion. One rule for every set that has masks. Pure.

A mask is grey of 0 and 255, with the rims that compression and resampling leave between them; lesion is above 127.
Labels (0, 1, 2 …), colours and palettes of classes look like masks and are none: a threshold would call the wrong
class lesion, or nothing. They are refused, unless the user says which labels are lesion.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from PIL import Image

from bench.errors import BenchError

THRESHOLD = 127
GREY_ENOUGH = 16
"""Levels by which channels may differ in a grey image that is kept as RGB: a JPEG's may, a little."""
NEAR = 16
"""Ringing of a JPEG reaches levels so near to 0 and 255 over whole areas."""
FEW = 24
"""A file of so few levels was not compressed, so that a smaller area of one level is a class."""
LEAST_AREA = 4
LEAST_SHARE, LEAST_SHARE_OF_FEW = 0.005, 0.001
"""Pixels amid their like, and their share of the file, that make a class of a level: more than enlarged rims have."""
SHOWN = 6
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

Label = int | tuple[int, int, int]
"""A grey level or palette index, or a colour (red, green, blue)."""


class NoMaskError(ValueError):
    """What a file holds in place of a mask and what to do about it, without the file's name."""


def parse_labels(texts: Sequence[str]) -> tuple[Label, ...]:
    """`1`, `2` … or `#rrggbb`. Raises BenchError for any other text."""
    return tuple(_parse_label(text.strip()) for text in texts)


def _parse_label(text: str) -> Label:
    if text.isdecimal() and int(text) <= 255:
        return int(text)
    if _COLOUR.fullmatch(text):
        return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
    raise BenchError(f"mask label {text!r}: write a grey level or palette index from 0 to 255, or a colour as #800000")


def lesion_pixels(image: Image.Image, labels: Sequence[Label] = ()) -> np.ndarray:
    """uint8 (h, w) in {0, 1}. An ordinary mask is thresholded, whatever the labels; label 0 turns it inside out.

    Raises NoMaskError, which names the levels or colours that are there and the cure.
    """
    grey = np.asarray(image.convert("L"))
    colours = _colours(image)
    if not colours and not (classes := class_levels(grey)):
        lesion = grey > THRESHOLD
        return (~lesion if 0 in labels and 255 not in labels else lesion).astype(np.uint8)
    if labels:
        return _labelled(image, grey, labels)
    raise NoMaskError(_palette(image, colours) if colours else _levels(classes))


def class_levels(grey: np.ndarray) -> list[int]:
    """The levels of uint8 (h, w) that are classes of their own; none in an ordinary mask.

    A dim file (nothing above 127) is one of classes as a whole. Otherwise a level is a class where it fills an area: a
    rim's pixels have other neighbours.
    """
    present = np.flatnonzero(np.bincount(grey.ravel(), minlength=256))
    if set(present.tolist()) <= {0, 255}:
        return []
    if present[-1] <= THRESHOLD:
        return present.tolist()
    few = len(present) <= FEW
    share = LEAST_SHARE_OF_FEW if few else LEAST_SHARE
    area = np.bincount(_amid_their_like(grey), minlength=256)
    filled = np.flatnonzero(area >= max(LEAST_AREA, share * grey.size))
    between = (filled > NEAR) & (filled < 255 - NEAR)
    dark = filled <= NEAR
    return filled.tolist() if between.any() or (few and dark.sum() > 1) else []


def _amid_their_like(grey: np.ndarray) -> np.ndarray:
    """Levels of the pixels whose eight neighbours have the same level, one-dimensional."""
    height, width = grey.shape
    inner = grey[1:-1, 1:-1]
    alike = np.ones(inner.shape, bool)
    for row in range(3):
        for column in range(3):
            alike &= inner == grey[row : height - 2 + row, column : width - 2 + column]
    return inner[alike]


def _colours(image: Image.Image) -> list[tuple[int, int, int]]:
    """The distinct colours of an image that is not grey, the commonest first; none of a grey one."""
    if image.mode in ("1", "L", "LA"):
        return []
    pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    if int(np.ptp(pixels, axis=1).max()) <= GREY_ENOUGH:
        return []
    found, counts = np.unique(pixels, axis=0, return_counts=True)
    return [tuple(found[place].tolist()) for place in np.argsort(-counts, kind="stable")]


def _labelled(image: Image.Image, grey: np.ndarray, labels: Sequence[Label]) -> np.ndarray:
    """Palette indices where there is a palette, grey levels otherwise, and colours."""
    index = np.asarray(image) if image.mode == "P" else grey
    lesion = np.isin(index, [label for label in labels if isinstance(label, int)])
    colours = [label for label in labels if not isinstance(label, int)]
    if colours:
        pixels = np.asarray(image.convert("RGB")).astype(np.int16)
        for colour in colours:
            lesion |= (np.abs(pixels - colour) <= GREY_ENOUGH).all(axis=2)
    return lesion.astype(np.uint8)


def _levels(classes: Sequence[int]) -> str:
    wanted = next((level for level in classes if level), 0)
    found = "its only grey level is" if len(classes) == 1 else "its grey levels are"
    return (
        f"{found} {_listed([str(level) for level in classes])}, and a mask's are 0 and 255; "
        f"say which are lesion, for example --mask-label {wanted}, or save lesion as 255 and all else as 0"
    )


def _palette(image: Image.Image, colours: Sequence[tuple[int, int, int]]) -> str:
    names = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in colours]
    what, wanted = f"its colours are {_listed(names)}", f"'{names[min(1, len(names) - 1)]}'"
    if image.mode == "P":
        indices = sorted({int(index) for index in np.unique(np.asarray(image))})
        what = f"it has a palette, of which it shows {_listed([str(index) for index in indices])} ({_listed(names)})"
        wanted = str(next((index for index in indices if index), 0))
    return (
        f"{what}, and a mask is grey of 0 and 255; say which are lesion, for example --mask-label {wanted}, "
        "or save lesion as 255 and all else as 0"
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
