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
from bench.text import listed

THRESHOLD = 127
GREY_MODES = ("1", "L", "LA")
"""Pixel modes, in Pillow's words, that have one channel of grey."""
GREY_ENOUGH = 16
"""Levels by which channels may differ in a grey image that is kept as RGB: a JPEG's may, a little."""
NEAR = 16
"""Ringing of a JPEG reaches levels so near to 0 and 255 over whole areas."""
FEW = 24
"""A file of so few levels, or colours, was not compressed: its labels are exact."""
LEAST_AREA, LEAST_SHARE = 4, 0.005
"""Pixels amid their like that make a class of a level; of a file of many levels also their share."""
FEWEST = 5
"""So few levels, 255 the only bright one, are 0, labels and the border that some data sets draw around them."""
SHOWN = 6
BLACK = "#000000"
SAVE = "save lesion as 255 and all else as 0, as png"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

Label = int | tuple[int, int, int]
"""A grey level or palette index, or a colour (red, green, blue)."""


class NoMaskError(ValueError):
    """What a file holds in place of a mask and what to do about it, without the file's name."""


def parse_labels(texts: Sequence[str]) -> tuple[Label, ...]:
    """`1`, `2` … or `#rrggbb`. Raises BenchError for any other text."""
    labels: list[Label] = []
    for text in map(str.strip, texts):
        if text.isdecimal() and int(text) <= 255:
            labels.append(int(text))
        elif _COLOUR.fullmatch(text):
            labels.append((int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)))
        else:
            raise BenchError(
                f"mask label {text!r}: write a grey level or palette index from 0 to 255, or a colour as #800000"
            )
    return tuple(labels)


def lesion_pixels(image: Image.Image, labels: Sequence[Label] = ()) -> np.ndarray:
    """uint8 (h, w) in {0, 1}. An ordinary mask is thresholded, whatever the labels; label 0 turns it inside out.

    Raises NoMaskError, which names the levels or colours that are there and the cure.
    """
    grey = np.asarray(image.convert("L"))
    colours = colours_of(image)
    classes = [] if colours else class_levels(grey)
    if not colours and not classes:
        _refuse_doubt(grey, labels)
        lesion = grey > THRESHOLD
        return (~lesion if 0 in labels and 255 not in labels else lesion).astype(np.uint8)
    if len(colours or levels_of(grey)) > FEW:
        raise NoMaskError(f"{_what(image, colours, classes)}, smeared by compression: {SAVE}")
    if not labels:
        raise NoMaskError(f"{_what(image, colours, classes)}; {_cure(image, colours, classes)}")
    return _labelled(image, grey, labels)


def levels_of(grey: np.ndarray) -> np.ndarray:
    """The levels of uint8 (h, w), ascending."""
    return np.flatnonzero(np.bincount(grey.ravel(), minlength=256))


def class_levels(grey: np.ndarray) -> list[int]:
    """The levels of uint8 (h, w) that are classes of their own; none in an ordinary mask.

    A dim file (nothing above 127) is one of classes as a whole. Otherwise a level is a class where it fills an area: a
    rim's pixels have other neighbours.
    """
    present = levels_of(grey)
    if set(present.tolist()) <= {0, 255}:
        return []
    if present[-1] <= THRESHOLD or _labels_and_border(present):
        return present.tolist()
    few = len(present) <= FEW
    area = np.bincount(_amid_their_like(grey), minlength=256)
    filled = np.flatnonzero(area >= (LEAST_AREA if few else max(LEAST_AREA, LEAST_SHARE * grey.size)))
    between = (filled > NEAR) & (filled < 255 - NEAR)
    dark = filled < NEAR
    return filled.tolist() if between.any() or (few and dark.sum() > 1) else []


def _labels_and_border(present: np.ndarray) -> bool:
    return len(present) <= FEWEST and present[0] == 0 and present[-1] == 255 and bool((present[1:-1] < NEAR).all())


def _refuse_doubt(grey: np.ndarray, labels: Sequence[Label]) -> None:
    """A label that is in a file of few levels, in too few pixels to tell a class from a rim."""
    present = levels_of(grey).tolist()
    doubtful = [label for label in labels if label in present and label not in (0, 255)]
    if doubtful and len(present) <= FEW:
        raise NoMaskError(f"label {doubtful[0]} stands only where an ordinary mask may have its rim: {SAVE}")


def _amid_their_like(grey: np.ndarray) -> np.ndarray:
    """Levels of the pixels whose eight neighbours have the same level, one-dimensional."""
    height, width = grey.shape
    inner = grey[1:-1, 1:-1]
    alike = np.ones(inner.shape, bool)
    for row in range(3):
        for column in range(3):
            alike &= inner == grey[row : height - 2 + row, column : width - 2 + column]
    return inner[alike]


def colours_of(image: Image.Image) -> list[tuple[int, int, int]]:
    """The distinct colours (red, green, blue) of an image that is not grey, the commonest first; none of a grey one."""
    if image.mode in GREY_MODES:
        return []
    pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    difference = int(np.ptp(pixels, axis=1).max())
    if difference == 0:
        return []
    found, counts = np.unique(pixels, axis=0, return_counts=True)
    # The colours of a grey JPEG differ a little and are many; a few that differ a little are labels.
    if difference <= GREY_ENOUGH and len(found) > FEW:
        return []
    return [tuple(found[place].tolist()) for place in np.argsort(-counts, kind="stable")]


def _labelled(image: Image.Image, grey: np.ndarray, labels: Sequence[Label]) -> np.ndarray:
    """Palette indices where there is a palette, grey levels otherwise, and colours."""
    index = np.asarray(image) if image.mode == "P" else grey
    lesion = np.isin(index, [label for label in labels if isinstance(label, int)])
    pixels = np.asarray(image.convert("RGB"))
    for label in labels:
        if not isinstance(label, int):
            lesion |= (pixels == np.array(label, np.uint8)).all(axis=2)
    return lesion.astype(np.uint8)


def _what(image: Image.Image, colours: Sequence[tuple[int, int, int]], classes: Sequence[int]) -> str:
    """What is there in place of black and white."""
    names = _names(colours)
    if image.mode == "P":
        indices, shown = listed(_indices(image), SHOWN), f" ({listed(names, SHOWN)})" if names else ""
        return f"it has a palette, of which it shows {indices}{shown}, and a mask is grey of 0 and 255"
    if colours:
        return f"its colours are {listed(names, SHOWN)}, and a mask is grey of 0 and 255"
    found = "its only grey level is" if len(classes) == 1 else "its grey levels are"
    return f"{found} {listed([str(level) for level in classes], SHOWN)}, and a mask's are 0 and 255"


def _cure(image: Image.Image, colours: Sequence[tuple[int, int, int]], classes: Sequence[int]) -> str:
    """No class of several is suggested: whoever copied the line would score the wrong one."""
    if image.mode == "P":
        wanted = [index for index in _indices(image) if index != "0"]
    elif colours:
        wanted = [f"'{name}'" for name in _names(colours) if name != BLACK]
    else:
        wanted = [str(level) for level in classes if level]
    if len(wanted) == 1:
        return f"read it with --mask-label {wanted[0]}, or {SAVE}"
    return f"say which are lesion with --mask-label N, repeatable, N of {listed(wanted, SHOWN)}; or {SAVE}"


def _names(colours: Sequence[tuple[int, int, int]]) -> list[str]:
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in colours]


def _indices(image: Image.Image) -> list[str]:
    return [str(index) for index in np.unique(np.asarray(image)).tolist()]
