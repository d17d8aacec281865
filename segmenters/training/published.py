"""What published recipes do with a batch before the network sees it, as data."""

from __future__ import annotations

from dataclasses import dataclass

STRIDE = 32


@dataclass(frozen=True)
class Scales:
    """Training sizes as shares of the recipe's own size, rounded to a multiple of 32 px.

    With `chances` each batch is trained at one size, drawn; without, at every size in turn, an optimiser step each.
    Images are resized bilinearly (`corners`: with aligned corners), masks alike where they are `soft_masks`, otherwise
    by nearest pixel.
    """

    rates: tuple[float, ...]
    chances: tuple[float, ...] = ()
    corners: bool = False
    soft_masks: bool = False

    def sizes(self, size: int) -> tuple[int, ...]:
        return tuple(max(round(size * rate / STRIDE), 1) * STRIDE for rate in self.rates)


@dataclass(frozen=True)
class Augmentation:
    """Chance of each change of a training pair."""

    flip: float = 0.0
    """Left to right."""
    flop: float = 0.0
    """Upside down."""
    turn: float = 0.0
    """By as many quarter turns as are drawn from 0 to 3."""
    colour_exchange: float = 0.0
    """That the colours come from an image of the first source, otherwise from one of the second; 0: not exchanged."""
