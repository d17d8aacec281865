"""SANet's colour exchange against the formulas, a pixel at a time."""

import math

import numpy as np
import pytest

from bench.contracts import NO_MASK, Sample
from segmenters.training.colour_exchange import Partners, colours_of, exchange_colours, find_partners, to_lab, to_rgb


def literal_lab(red, green, blue):
    """8-bit sRGB -> 8-bit CIE Lab under D65."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red / 255, green / 255, blue / 255)]
    rows = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
    ratios = [sum(w * c for w, c in zip(row, linear, strict=True)) for row in rows]
    ratios = [ratio / white for ratio, white in zip(ratios, (0.950456, 1.0, 1.088754), strict=True)]
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in ratios)
    lightness, a, b = 116 * y - 16, 500 * (x - y), 200 * (y - z)
    return [lightness * 255 / 100, a + 128, b + 128]


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)


def smooth(seed, low, high):
    """An image of one hue with a bright spot: spread in every channel."""
    y, x = np.mgrid[:24, :24] / 23
    rng = np.random.default_rng(seed)
    base = np.stack([low + (high - low) * x, low + (high - low) * y, np.full_like(x, (low + high) / 2)], -1)
    return (base + rng.normal(0, 4, base.shape)).clip(0, 255).astype(np.uint8)


def test_lab_is_the_formula_rounded(noise):
    want = np.array([[literal_lab(*map(int, pixel)) for pixel in row] for row in noise])
    assert np.abs(to_lab(noise) - want).max() <= 0.5 + 1e-4


def test_lab_is_that_of_the_standard_library(noise):
    """scikit-image's white point differs in the fourth digit: within a level."""
    color = pytest.importorskip("skimage.color")
    want = color.rgb2lab(noise) * [2.55, 1, 1] + [0, 128, 128]
    assert np.abs(to_lab(noise) - want).max() <= 1


def test_there_and_back_is_nearly_the_same_image():
    """8 bits of Lab hold a natural colour to a few levels."""
    image = smooth(1, 90, 200)
    assert np.abs(to_rgb(to_lab(image)).astype(int) - image).max() <= 4


def literal_exchange(image, other, wrap):
    """The released code's formula on 8-bit Lab: standardised, then given the other's spread and mean, then cast."""
    lab, theirs = to_lab(image).astype(float), to_lab(other).astype(float)
    out = np.empty(lab.shape, np.uint8)
    for channel in range(3):
        values, wanted = lab[..., channel], theirs[..., channel]
        mean = sum(values.flat) / values.size
        spread = math.sqrt(sum((v - mean) ** 2 for v in values.flat) / values.size)
        for place, value in np.ndenumerate(values):
            moved = int((value - mean) / spread * wanted.std() + wanted.mean())
            out[(*place, channel)] = moved % 256 if wrap else min(max(moved, 0), 255)
    return to_rgb(out)


@pytest.mark.parametrize("wrap", [True, False])
def test_exchange_is_the_published_formula(wrap):
    """With the cast that wraps around and with the one that cuts."""
    image, other = smooth(2, 40, 120), smooth(3, 120, 250)
    np.testing.assert_array_equal(
        exchange_colours(image, colours_of(image), colours_of(other), wrap), literal_exchange(image, other, wrap)
    )


def test_wrapping_turns_the_brightest_dark():
    """What the released cast does to a highlight that is pushed beyond white, and the switch against it."""
    image = smooth(4, 20, 60)
    image[:3, :3] = 255
    bright = np.array([[200.0, 128, 128], [60.0, 5, 5]])
    wrapped, cut = (to_lab(exchange_colours(image, colours_of(image), bright, wrap)) for wrap in (True, False))
    assert cut[0, 0, 0] >= 250
    assert wrapped[0, 0, 0] < 220


def test_an_exchanged_image_has_the_other_ones_colours():
    """Mean and spread to a level or two, where nothing leaves the range."""
    image, other = smooth(5, 60, 140), smooth(6, 100, 180)
    assert (
        np.abs(colours_of(exchange_colours(image, colours_of(image), colours_of(other))) - colours_of(other)).max() < 2
    )


def test_an_image_without_spread_takes_the_mean():
    """No division by nothing, as the released code has it."""
    flat = np.full((8, 8, 3), 100, np.uint8)
    assert (
        np.abs(colours_of(exchange_colours(flat, colours_of(flat), colours_of(smooth(7, 80, 160))))[0] - 120).max() < 30
    )


def samples(*groups):
    return tuple(Sample(id=f"s{row}", image=NO_MASK, mask=NO_MASK, group=group) for row, group in enumerate(groups))


def test_sources_are_told_by_the_group_and_not_by_the_name():
    """A frame called like a still and a still called like a frame lend as what they are."""
    named = (
        Sample(id="cju0", image=NO_MASK, mask=NO_MASK, group="clinicdb-01"),
        Sample(id="17", image=NO_MASK, mask=NO_MASK),
    )
    assert find_partners(named) == Partners((0,), (1,))


@pytest.mark.parametrize("groups", [("", ""), ("a", "b"), ()])
def test_one_source_alone_exchanges_nothing(groups):
    assert find_partners(samples(*groups)) is None


def test_an_image_has_one_partner_of_each_source():
    """The row modulo the number of lenders, as published; seven of ten times a frame."""
    partners = find_partners(samples("v1", "", "v1", "", ""))
    assert partners is not None
    rng = np.random.default_rng(0)
    drawn = [partners.of(4, rng) for _ in range(2000)]
    assert set(drawn) == {0, 3}  # 4 % 2 -> the first frame, 4 % 3 -> the second still
    assert np.mean(np.array(drawn) == 0) == pytest.approx(0.7, abs=0.03)
