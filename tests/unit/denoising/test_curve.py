"""The loss curve as a table and as a picture."""

import csv
import subprocess
import sys

import numpy as np
import pytest

from bench.images import load_rgb
from generators.denoising.curve import CURVE, PICTURE, draw_curve, smooth, write_curve


def made(steps, late=3):
    """Two parts and their sum; `late` begins after that many steps and is 0 in every second one."""
    rng = np.random.default_rng(0)
    curve = []
    for number in range(steps):
        parts = {"early": float(rng.uniform(0.1, 1))}
        if number >= late:
            parts["late"] = float(number % 2) * 0.01
        curve.append({"loss": sum(parts.values()), **parts})
    return curve


def test_smooth_is_the_mean_of_a_value_and_those_before_it():
    values = np.random.default_rng(0).normal(size=17)
    for window in (1, 4, 30):
        slow = [values[max(0, i - window + 1) : i + 1].mean() for i in range(len(values))]
        assert smooth(values, window) == pytest.approx(slow)


def test_a_part_that_has_not_begun_is_empty(tmp_path):
    write_curve(tmp_path, made(6))
    with (tmp_path / CURVE).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["step", "loss", "early", "late"]
    assert [row["late"] for row in rows] == ["", "", "", "0.01", "0.0", "0.01"]
    assert {path.name for path in tmp_path.iterdir()} == {CURVE, PICTURE}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("steps", [1, 2, 400])
def test_every_part_has_a_line_of_its_own_colour(steps):
    """Nearly pure pixels of black and of matplotlib's second (orange) and third (green) colour, lines and legend."""
    picture = draw_curve(made(steps, late=0)).astype(int)
    assert picture.shape == (500, 900, 3)
    for colour in ((0, 0, 0), (0xFF, 0x7F, 0x0E), (0x2C, 0xA0, 0x2C)):
        assert (np.abs(picture - colour).max(2) < 12).sum() > 20


def test_the_line_is_drawn_where_the_loss_is():
    """A loss that falls: of the saturated pixels the left ones lie higher (a smaller row) than the right ones."""
    falling = [{"loss": 10.0, "part": float(np.exp(-number / 40))} for number in range(200)]
    picture = draw_curve(falling)[60:440, 80:870].astype(int)
    rows, columns = np.nonzero(np.abs(picture - (0xFF, 0x7F, 0x0E)).max(2) < 12)
    assert np.corrcoef(rows, columns)[0, 1] > 0.95


def test_a_part_that_starts_from_nothing_does_not_squash_the_others():
    """The losses near 1 keep their place on the axis when a part begins ten orders of magnitude below."""
    noise = np.random.default_rng(0).uniform(0.5, 1, 200)
    spans = []
    for start in (1e-3, 1e-13):
        small = [start if number < 20 else 1e-3 for number in range(200)]
        picture = draw_curve([{"loss": a, "small": b} for a, b in zip(noise, small, strict=True)]).astype(int)
        rows = np.nonzero((picture[60:440, 80:870].max(2) < 40).any(1))[0]
        spans.append(rows.max() - rows.min())
    assert spans[0] > 10
    assert abs(spans[0] - spans[1]) <= 2


def test_the_same_curve_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_curve(tmp_path / name, made(50))
    for name in (CURVE, PICTURE):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert load_rgb(tmp_path / "one" / PICTURE).shape == (500, 900, 3)


def test_drawing_leaves_pyplot_alone():
    """Its figures and its choice of a display are the process's."""
    code = (
        "import sys; from generators.denoising.curve import draw_curve; "
        "assert 'matplotlib' not in sys.modules; "
        "draw_curve([{'loss': 1.0}]); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
