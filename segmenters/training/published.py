"""What published recipes do with a batch before the network sees it, as data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STRIDE = 32


@dataclass(frozen=True)
class Scales:
    """Training sizes as shares of the recipe's own size, rounded to a multiple of 32 px (a share of 1 is left alone).

    With `chances` each batch is trained at one size, drawn; without, at every size in turn, an optimiser step each.
    Images are resized bilinearly (`corners`: with aligned corners), masks alike where they are `soft_masks` (grey
    levels in [0, 1], as they are stored), otherwise by nearest pixel.
    """

    rates: tuple[float, ...] = (1.0,)
    chances: tuple[float, ...] = ()
    corners: bool = False
    soft_masks: bool = False

    def sizes(self, size: int) -> tuple[int, ...]:
        """The training sizes in px of a recipe whose own size is `size`."""
        return tuple(size if rate == 1 else max(round(size * rate / STRIDE), 1) * STRIDE for rate in self.rates)

    def drawn(self, size: int, rng: np.random.Generator) -> tuple[int, ...]:
        """The sizes at which one batch is trained."""
        sizes = self.sizes(size)
        return (int(rng.choice(sizes, p=self.chances)),) if self.chances else sizes

    @property
    def steps(self) -> int:
        """Optimiser steps a batch."""
        return 1 if self.chances else len(self.rates)


@dataclass(frozen=True)
class Photometric:
    """Random brightness, contrast, saturation and hue, each with a chance of one half."""

    brightness: float = 32.0
    """At most so many grey levels are added or taken away."""
    contrast: tuple[float, float] = (0.5, 1.5)
    saturation: tuple[float, float] = (0.5, 1.5)
    hue: int = 18
    """In steps of 2°."""


@dataclass(frozen=True)
class Crop:
    """A part of the enlarged or shrunken image, as large as the image was; what is beyond its edge counts nothing."""

    scale: tuple[float, float] = (0.5, 2.0)
    """Drawn evenly."""
    one_class_at_most: float = 0.75
    """Share of the crop; a crop with more is drawn anew, up to ten times."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Chance of each change of a training pair, in the order of the fields."""

    colour_exchange: float = 0.0
    """That the colours come from an image of the first source, otherwise from one of the second; 0: not exchanged."""
    wrap: bool = True
    """Exchanged colours beyond 8 bits wrap around; otherwise they are cut."""
    crop: Crop | None = None
    flip: float = 0.0
    """Left to right."""
    vertical_flip: float = 0.0
    """Upside down."""
    rotate: float = 0.0
    """By as many quarter turns as are drawn from 0 to 3."""
    photometric: Photometric | None = None
