"""The interval of a share of independent images."""

from __future__ import annotations


def binomial_interval(hits: int, count: int) -> tuple[float, float]:
    """Exact 95 % interval (Clopper & Pearson, 1934) of `hits` in `count`; it never shrinks to a point.

    Where images have unequal chances (some masks are easier than others) it is too wide, never too narrow.
    """
    # Not above: it takes a quarter of a second, and reports of most runs do without.
    from scipy.stats import binomtest

    span = binomtest(hits, count).proportion_ci(confidence_level=0.95, method="exact")
    return float(span.low), float(span.high)
