"""Which of two synthetic sets is better, and where that cannot be said."""

import pytest

from bench.analysis.estimate import Estimate
from bench.analysis.set_differences import SetDifference
from bench.contracts import Measure
from bench.report.render import to_text
from bench.report.set_differences_table import differences_table

LOWER, HIGHER = Measure("M"), Measure("N", "higher")


def between(measure, a, b, *numbers):
    """`numbers`: value, low, high."""
    return SetDifference(
        measure=measure, a=a, b=b, estimate=Estimate(*numbers), method="jackknife of the difference", n=20
    )


@pytest.mark.parametrize(
    ("better", "low", "value", "high", "expected"),
    [("lower", -3, -2, -1, "a"), ("higher", -3, -2, -1, "b"), ("lower", 1, 2, 3, "b"), ("higher", 1, 2, 3, "a"),
     ("lower", -1, 1, 3, ""), ("lower", 0, 1, 2, ""), ("", 1, 2, 3, "")],
)  # fmt: skip
def test_a_set_is_favoured_only_where_the_interval_excludes_0(better, low, value, high, expected):
    assert between(Measure("M", better), "a", "b", value, low, high).favoured == expected


def test_two_sets_are_named_in_the_caption():
    found = [between(LOWER, "b", "a", -0.5, -0.7, -0.3), between(HIGHER, "b", "a", 1.0, -1.0, 3.0)]
    lines = to_text(differences_table(found)).splitlines()
    assert lines[0] == "Differences: b - a"
    assert lines[4].split() == ["M", "↓", "-0.5000", "[-0.7000,", "-0.3000]", "b"]
    assert lines[5].split() == ["N", "↑", "1.000", "[-1.000,", "3.000]", "–"]


def test_more_sets_are_named_in_each_line_and_kept_together():
    found = [between(metric, a, b, 1, 0.5, 1.5) for metric in (LOWER, HIGHER) for a, b in ("ba", "ca", "cb")]
    lines = to_text(differences_table(found)).splitlines()[4:10]
    assert [line.split("  ")[0] for line in lines] == ["b - a", "b - a", "c - a", "c - a", "c - b", "c - b"]
