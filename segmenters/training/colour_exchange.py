"""SANet's colour exchange: an image takes over mean and standard deviation of another's colours, in 8-bit CIE Lab."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.contracts import Split

TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
WHITE = np.array([0.950456, 1.0, 1.088754])
"""D65, as in OpenCV, whose 8-bit Lab is meant: lightness × 255 / 100, a and b + 128."""

_LEVELS = np.arange(256) / 255
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(np.float32)
_FINE = np.linspace(0, 1, 2**14)
_GAMMA = np.rint(255 * np.where(_FINE <= 0.0031308, 12.92 * _FINE, 1.055 * _FINE ** (1 / 2.4) - 0.055)).astype(np.uint8)
# The cube root gives way to a line near black.
_KNEE, _SLOPE, _FOOT = 0.008856, 7.787, 16 / 116
_TO_RATIO = (TO_XYZ.T / WHITE).astype(np.float32)
# 8-bit Lab = `_FROM_ROOTS` @ roots of x, y, z + `_SHIFT`.
_FROM_ROOTS = np.array([[0, 2.55 * 116, 0], [500, -500, 0], [0, 200, -200]], np.float32)
_TO_ROOTS = np.linalg.inv(_FROM_ROOTS.astype(np.float64)).astype(np.float32)
_SHIFT = np.array([[-2.55 * 16], [128], [128]], np.float32)
_FROM_RATIO = (WHITE[:, None] * np.linalg.inv(TO_XYZ).T).astype(np.float32)
PIECE = 2**14
"""Pixels at a time: what is computed on the way stays in the processor's cache."""


def to_lab(image: np.ndarray) -> np.ndarray:
    """uint8 RGB (h, w, 3) -> uint8 Lab, within two levels of OpenCV's."""
    return _pixels(_to_lab(_planes(image)), image.shape)


def to_rgb(lab: np.ndarray) -> np.ndarray:
    """uint8 Lab -> uint8 RGB; colours that no screen has are cut."""
    return _pixels(_to_rgb(_planes(lab)), lab.shape)


def _planes(image: np.ndarray) -> np.ndarray:
    """(3, pixels): channels in one piece each are several times faster to compute with."""
    return np.ascontiguousarray(image.reshape(-1, 3).T)


def _pixels(planes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.ascontiguousarray(planes.T).reshape(shape)


def _to_lab(planes: np.ndarray) -> np.ndarray:
    ratio = _TO_RATIO.T @ _LINEAR.take(planes)
    roots = np.where(ratio > _KNEE, np.cbrt(ratio), _SLOPE * ratio + _FOOT)
    lab = _FROM_ROOTS @ roots
    lab += _SHIFT
    np.rint(lab, out=lab)
    return np.clip(lab, 0, 255, out=lab).astype(np.uint8)


def _to_rgb(planes: np.ndarray) -> np.ndarray:
    roots = _TO_ROOTS @ (planes - _SHIFT)
    ratio = np.where(roots > _SLOPE * _KNEE + _FOOT, roots * roots * roots, (roots - _FOOT) / _SLOPE)
    linear = _FROM_RATIO.T @ ratio
    np.clip(linear, 0, 1, out=linear)
    linear *= len(_GAMMA) - 1
    return _GAMMA.take(np.rint(linear, out=linear).astype(np.int32))


def colours_of(image: np.ndarray) -> np.ndarray:
    """float64 (2, 3): mean and standard deviation of the 8-bit Lab values of a uint8 RGB image."""
    levels, planes = np.arange(256), _to_lab(_planes(image))
    shares = np.stack([np.bincount(plane, minlength=256) for plane in planes])
    shares = shares / shares.sum(1, keepdims=True)
    mean = shares @ levels
    return np.stack([mean, np.sqrt((shares * (levels - mean[:, None]) ** 2).sum(1))])


def exchange_colours(image: np.ndarray, own: np.ndarray, colours: np.ndarray, wrap: bool = True) -> np.ndarray:
    """The uint8 RGB image with mean and standard deviation of `colours`, another image's `colours_of`; `own` are its.

    `wrap`: values beyond 8 bits wrap around (256 becomes 0), as the released code's cast does on common processors, and
    patches of foreign colours appear; without it they are cut. A channel without variance takes the other's mean.
    """
    (mean, std), (new_mean, new_std) = own, colours
    moved = (np.arange(256)[:, None] - mean) / np.where(std > 0, std, 1) * new_std + new_mean
    # The cast drops what is behind the point.
    whole = np.trunc(moved).astype(np.int64)
    tables = np.ascontiguousarray((whole & 255 if wrap else whole.clip(0, 255)).astype(np.uint8).T)
    planes = _planes(image)
    for start in range(0, planes.shape[1], PIECE):
        piece = planes[:, start : start + PIECE]
        lab = _to_lab(piece)
        for table, plane in zip(tables, lab, strict=True):
            plane[:] = table.take(plane)
        piece[:] = _to_rgb(lab)
    return _pixels(planes, image.shape)


@dataclass(frozen=True)
class Partners:
    """Rows of the training images that lend their colours, by source: frames of groups, and images that stand alone.

    In PraNet's training set the frames are CVC-ClinicDB's and the rest is Kvasir-SEG's: the published division. The
    released code tells them by their file names; here `Sample.group` does, which a synthetic image has from its mask.
    """

    frames: tuple[int, ...]
    alone: tuple[int, ...]

    def of(self, row: int, rng: np.random.Generator, chance: float = 0.7) -> int:
        """The partner of an image: as published always the same one of either source, a frame with this chance."""
        lenders = self.frames if rng.random() < chance else self.alone
        return lenders[row % len(lenders)]


def find_partners(samples: Split) -> Partners | None:
    """None where there is only one source: then no colours are exchanged."""
    frames = tuple(row for row, sample in enumerate(samples) if sample.group)
    alone = tuple(row for row, sample in enumerate(samples) if not sample.group)
    return Partners(frames, alone) if frames and alone else None


SKIPPED = "no colour exchange: all training images are of one source (all or none have a group)"
"""The word on it, for the report of a training."""
