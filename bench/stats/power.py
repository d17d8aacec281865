"""How large a difference must be to be seen, and how many repeats and test images that takes. Pure.

A paired difference is a fixed effect, an effect of each repeat, one of each test image (or group), and one of the image
in the repeat: Var = repeat² / R + image² / n + both² / (R n).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

from bench.stats.student import LEVEL, student_t

POWER = 0.8
MOST = 100_000
"""Beyond so many, repeats or images are no advice."""
_NORMAL = NormalDist()

ASSUMED_IMAGES, ASSUMED_REPEATS = 0.15, 0.01
"""Standard deviations of a paired difference of Dice before anything is known of it: of one test image, and of repeats.
Those of polyp segmentation networks lie there; a run's own take their place."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Standard deviations of a paired difference: of repeats, of test images (or groups of them), of both together."""

    repeat: float
    image: float
    both: float = 0.0

    def error(self, repeats: int, images: int) -> tuple[float, float]:
        """Standard errors: what more repeats shrink, and what only more images do."""
        over_repeats = math.sqrt((self.repeat**2 + self.both**2 / images) / repeats)
        return over_repeats, self.image / math.sqrt(images)


def least_difference(spread: Spread, repeats: int, images: int, power: float = POWER, level: float = LEVEL) -> float:
    """The smallest true difference that `power` of such designs show.

    What repeats vary in is bounded by Student's t with `repeats` - 1 degrees of freedom, the rest by the normal; both
    add as squares, which is within 7 % of the suite's own interval, and never below it by more than 2 %. One freedom
    for their sum (Satterthwaite's) would not do: of two repeats it promises a third of the difference that it takes.
    One repeat: the noise of images alone, of what was trained this once.
    """
    over_repeats, over_images = spread.error(repeats, images)
    if repeats == 1:
        return math.hypot(spread.both, spread.image) / math.sqrt(images) * multiple(math.inf, power, level)
    of_repeats = over_repeats * multiple(repeats - 1, power, level)
    return math.hypot(of_repeats, over_images * multiple(math.inf, power, level))


@cache
def multiple(freedom: float, power: float = POWER, level: float = LEVEL) -> float:
    """The same in standard errors: the non-centrality at which a t of so much freedom is significant so often."""
    if math.isinf(freedom):
        return _NORMAL.inv_cdf((1 + level) / 2) + _NORMAL.inv_cdf(power)
    from scipy.special import nctdtr

    critical = student_t(freedom, level)
    low, high = 0.0, 2 * critical + 10
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - nctdtr(freedom, middle, critical) < power else (low, middle)
    return high


def repeats_needed(spread: Spread, difference: float, images: int, level: float = LEVEL) -> int | None:
    """Fewest repeats, two at least, that show a difference on so many images; None where no number of them does."""
    return _fewest(lambda count: least_difference(spread, count, images, level=level) <= difference)


def images_needed(spread: Spread, difference: float, repeats: int, level: float = LEVEL) -> int | None:
    """Fewest images (or groups) that show a difference with so many repeats; None where no number of them does."""
    return _fewest(lambda count: least_difference(spread, repeats, count, level=level) <= difference)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """Of two or more, by halving, as more never show less."""
    if not enough(MOST):
        return None
    low, high = 1, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
