"""What must happen to the numbers of a control, whose set is good or bad in a way that is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Must(StrEnum):
    """What a number of a control has to do; the value says it to the reader."""

    FLOOR = "be at the floor of two halves of the real images"
    TOLD = "be told from real images"
    WORSEN = "worsen with the dose"
    DOSE = "equal the dose"
    ZERO = "be zero"
    ALIGNED = "reach the ceiling of real held-out images"
    MISALIGNED = "be at the floor of swapped masks"
    HARM = "harm the network"
    NOT_HARM = "not harm the network"
    NO_CLAIM = "show no difference"
    BEST = "be surpassed by no other set"


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One number of a control, and what it must do.

    `metric`: the plugin whose measure it is, its headline one, or that whose name begins with `measure`; empty: the
    score of a network trained with the set, less that of the baseline. `within`: how far off it may be, in the
    measure's own unit. `blind`: the measure cannot see this fault: it is shown, expected to fail, and the note says why
    another is needed.
    """

    must: Must
    metric: str = ""
    measure: str = ""
    within: float = 0.0
    blind: str = ""
