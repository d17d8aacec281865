"""How sure one may be that a number lies below any value: a confidence distribution over two crossed noises. Pure.

The number is a mean over repeats (a training, a draw) and over test images, which all repeats share. Each draw takes
groups of test images anew, the same for every repeat; the repeats add Student's t with as many degrees of freedom as
they have, so that three of them count as three (Owen 2007 on crossed resampling; Xie and Singh 2013).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.stats.student import LEVEL, student_t

ROUNDING = 1e-12
"""Of a number's size: what is closer is equal."""


@dataclass(frozen=True, eq=False)
class Confidence:
    """`draws` (r,): the number under draws of test images; `error`: its standard error over repeats, of `freedom`.

    With an error of 0, as of a single repeat, only the noise of test images is in it.
    """

    draws: np.ndarray
    error: float = 0.0
    freedom: int = 0

    def below(self, value: float) -> float:
        """Confidence that the number lies below `value`, in [0, 1]; draws equal to it count half."""
        from scipy.special import stdtr

        if not self.error:
            return float(np.mean(self.draws < value) + np.mean(self.draws <= value)) / 2
        return float(np.mean(stdtr(self.freedom, (value - self.draws) / self.error)))

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Equal tails outside."""
        return self._quantile((1 - level) / 2), self._quantile((1 + level) / 2)

    def p_value(self) -> float:
        """Two-sided, of 0: never below what so many draws can tell."""
        tail = min(self.below(0), 1 - self.below(0))
        least = 0.0 if self.error else 1 / (len(self.draws) + 1)
        return min(1.0, 2 * max(tail, least))

    def _quantile(self, share: float) -> float:
        if not self.error:
            return float(np.quantile(self.draws, share))
        # Student's quantile on either side of all draws encloses it.
        reach = self.error * student_t(self.freedom, abs(2 * share - 1))
        low, high = float(self.draws.min()) - reach, float(self.draws.max()) + reach
        # Repeats that differ by rounding alone have a reach that no number between two others can halve.
        while high - low > max(1e-7 * reach, ROUNDING * max(abs(low), abs(high))):
            middle = (low + high) / 2
            low, high = (middle, high) if self.below(middle) < share else (low, middle)
        return (low + high) / 2


def crossed(draws: np.ndarray, by_repeat: np.ndarray) -> Confidence:
    """`draws` (repeats, r): the number of each repeat under the same draws of test images; `by_repeat` (repeats,).

    The spread of repeats holds that of image by repeat; it is taken out of the draws, so that it counts once.
    """
    count, mean, value = len(by_repeat), draws.mean(0), float(by_repeat.mean())
    if count < 2:
        return Confidence(mean)
    parts = variances(draws, by_repeat)
    whole = parts.image + parts.both / count
    share = math.sqrt(parts.image / whole) if whole else 0.0
    error = float(np.std(by_repeat, ddof=1)) / math.sqrt(count)
    return Confidence(value + share * (mean - value), error, count - 1)


@dataclass(frozen=True, kw_only=True)
class Variances:
    """Of one repeat's number: by what the repeat is, by the test images, and by both together."""

    repeat: float
    image: float
    both: float


def variances(draws: np.ndarray, by_repeat: np.ndarray) -> Variances:
    """As two-way analysis of variance parts them, none below 0; of a single repeat all is the images'."""
    count, mean = len(by_repeat), draws.mean(0)
    if count < 2:
        return Variances(repeat=0.0, image=float(mean.var()), both=0.0)
    both = float((draws - mean).var(1).sum()) / (count - 1)
    return Variances(
        repeat=max(0.0, float(np.var(by_repeat, ddof=1)) - both),
        image=max(0.0, float(mean.var()) - both / count),
        both=both,
    )
