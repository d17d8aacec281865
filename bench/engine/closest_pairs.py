"""A picture of the pairs that a metric found most alike: each synthetic image beside its real match."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.contracts import Sample, Score, Split
from bench.images import VIEWS, load_rgb, rotate
from bench.store.score_file import ALL, Scored

CLOSEST = "closest.png"
TILE, GAP, LINE, HEADER = 256, 6, 20, 36
"""Pixels: side of an image, space around it, height of a line of text and of the title."""
PAIRS_A_ROW = 4
WIDTH, HEIGHT = 2 * TILE + 4 * GAP, TILE + 2 * LINE + 3 * GAP


def draw_closest(folder: Path, scored: Iterable[Scored], real: Split, fake: Split) -> None:
    """`closest.png`: the matches of the first score over whole sets that has any. No file where none has."""
    shown = next((one for one in scored if one.score.matches and one.stratum == ALL), None)
    if shown is not None:
        sheet_of(shown.measure.name, shown.score, real, fake).save(folder / CLOSEST)


def sheet_of(name: str, score: Score, real: Split, fake: Split) -> Image.Image:
    """All matches in their order, `PAIRS_A_ROW` a row; images are resized to `TILE` pixels a side.

    Left the synthetic image with its distance, right the real one, turned as its match says; below them their ids.
    """
    count = len(score.matches)
    size = min(count, PAIRS_A_ROW) * WIDTH, HEADER + -(-count // PAIRS_A_ROW) * HEIGHT
    sheet = Image.new("RGB", size, "white")
    title = f"{name}: {count} closest pairs; left synthetic, right its real match ({score.estimator})"
    _write(sheet, (GAP, GAP), title, sheet.width - 2 * GAP)
    for number, match in enumerate(score.matches):
        row, column = divmod(number, PAIRS_A_ROW)
        left, top = GAP + column * WIDTH, HEADER + row * HEIGHT
        _paste(sheet, (left, top), fake[match.fake], 0, f"{number + 1}: distance {match.distance:.2f}")
        _paste(sheet, (left + TILE + GAP, top), real[match.real], match.view, VIEWS[match.view])
    return sheet


def _paste(sheet: Image.Image, corner: tuple[int, int], sample: Sample, view: int, said: str) -> None:
    left, top = corner
    pixels = rotate(load_rgb(sample.image, (TILE, TILE)), view)
    sheet.paste(Image.fromarray(np.ascontiguousarray(pixels)), corner)
    _write(sheet, (left, top + TILE + GAP), said, TILE - GAP)
    _write(sheet, (left, top + TILE + GAP + LINE), sample.id, TILE - GAP)


def _write(sheet: Image.Image, corner: tuple[int, int], text: str, width: int) -> None:
    """Black text, its middle left out where it is wider than `width` pixels: ids differ at the beginning or the end."""
    font = ImageFont.load_default(15)
    shown, half = text, len(text) // 2
    while font.getlength(shown) > width:
        half -= 1
        shown = f"{text[:half]}...{text[len(text) - half :]}"
    ImageDraw.Draw(sheet).text(corner, shown, "black", font)
