"""What is a mask: grey of 0 and 255 with rims; labels, colours and palettes are refused, or read by --mask-label."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.errors import BenchError
from bench.images import load_mask
from bench.masks import NoMaskError, lesion_pixels, parse_labels
from tests.conftest import refused

SIZE = 64
BLACK, RED, GREEN = (0, 0, 0), (128, 0, 0), (0, 128, 0)


def disc(size=SIZE):
    y, x = np.mgrid[:size, :size]
    return (y - size * 0.45) ** 2 + (x - size * 0.5) ** 2 < (size * 0.3) ** 2


def halves(upper, lower):
    """A disc of two classes."""
    pixels = np.where(disc(), lower, 0).astype(np.uint8)
    pixels[: SIZE // 2][disc()[: SIZE // 2]] = upper
    return pixels


def palette(indices, colours=(BLACK, RED, GREEN)):
    image = Image.fromarray(indices.astype(np.uint8), mode="P")
    image.putpalette([level for colour in colours for level in colour])
    return image


def coloured(indices, colours=(BLACK, RED, GREEN)):
    return Image.fromarray(np.array(colours, np.uint8)[indices])


def jpeg(image, quality):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


MASK = Image.fromarray(disc().astype(np.uint8) * 255)


def thin():
    """A lesion two pixels wide."""
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    pixels[10:40, 20:22] = 1
    return pixels


def border(pixels):
    """A frame of 255, as some data sets draw around what is not to be judged."""
    pixels = pixels.copy()
    pixels[:2], pixels[-2:] = 255, 255
    return pixels


def small(level):
    """A class of a thousandth of the image, beside a large one."""
    pixels = np.where(disc(512), 255, 0).astype(np.uint8)
    pixels[5:21, 5:21] = level
    return pixels


RIMS = {
    "as it is": MASK,
    "single bits": MASK.convert("1"),
    "black and white palette": palette(disc(), (BLACK, (255, 255, 255))),
    "colour": MASK.convert("RGB"),
    **{f"jpeg {quality}": jpeg(MASK, quality) for quality in (30, 50, 75, 90, 95, 100)},
    "jpeg in colour": jpeg(MASK.convert("RGB"), 75),
    **{f"{side} px": MASK.resize((side, side), Image.Resampling.BILINEAR) for side in (32, 96, 256)},
    "bicubic": MASK.resize((200, 200), Image.Resampling.BICUBIC),
    "jpeg, enlarged pixel by pixel": jpeg(MASK, 75).resize((256, 256), Image.Resampling.NEAREST),
}


@pytest.mark.parametrize("kind", RIMS)
def test_rims_of_compression_and_resampling_are_part_of_a_mask(kind):
    """Read at 127, and never taken for classes."""
    read = lesion_pixels(RIMS[kind])
    truth = np.asarray(MASK.resize(read.shape[::-1], Image.Resampling.BILINEAR)) > 127
    assert read.dtype == np.uint8
    assert set(np.unique(read)) == {0, 1}
    assert (read != truth).mean() < 0.01


def test_an_empty_mask_and_a_full_one_are_masks():
    for level in (0, 255):
        assert (lesion_pixels(Image.new("L", (8, 8), level)) == level // 255).all()


NONE = {
    "0 and 1": (Image.fromarray(disc().astype(np.uint8)), ["0, 1", "--mask-label 1"]),
    "0, 1 and 2": (Image.fromarray(halves(1, 2)), ["0, 1, 2", "N of 1, 2"]),
    "one label": (Image.fromarray(disc().astype(np.uint8) * 100), ["0, 100", "--mask-label 100"]),
    "bright label": (Image.fromarray(disc().astype(np.uint8) * 200), ["0, 200", "--mask-label 200"]),
    "label and void": (Image.fromarray(halves(1, 255)), ["0, 1, 255", "N of 1, 255"]),
    "two bright labels": (Image.fromarray(halves(128, 255)), ["0, 128, 255", "N of 128, 255"]),
    "label and thin void": (Image.fromarray(border(thin())), ["0, 1, 255", "N of 1, 255"]),
    "a small class": (Image.fromarray(small(128)), ["0, 128, 255", "N of 128, 255"]),
    "palette of greys": (palette(halves(1, 2), (BLACK, (100,) * 3, (200,) * 3)), ["0, 1, 2", "N of 1, 2"]),
    "a label in one channel": (
        coloured(halves(1, 1), (BLACK, (1, 0, 0))),
        ["#000000, #010000", "--mask-label '#010000'"],
    ),
    "faint": (Image.fromarray(np.tile(np.arange(90, dtype=np.uint8), (64, 1))), ["0, 1, 2", "84 more"]),
    "palette": (palette(halves(1, 2)), ["palette", "0, 1, 2", "#800000", "N of 1, 2"]),
    "colours": (coloured(halves(1, 2)), ["#800000", "#008000", "--mask-label N"]),
    "one colour": (coloured(halves(1, 1)), ["#000000, #800000", "--mask-label '#800000'"]),
}


@pytest.mark.parametrize("kind", NONE)
def test_labels_colours_and_palettes_are_named_with_the_cure(kind):
    image, parts = NONE[kind]
    with pytest.raises(NoMaskError) as caught:
        lesion_pixels(image)
    assert all(part in str(caught.value) for part in (*parts, "save lesion as 255")), caught.value


@pytest.mark.parametrize("labels", [(), ("128",), ("#008000",)])
@pytest.mark.parametrize(
    "image", [jpeg(Image.fromarray(halves(128, 255)), 90), jpeg(coloured(halves(1, 2)), 95)], ids=["grey", "colour"]
)
def test_labels_that_compression_has_smeared_are_never_read(image, labels):
    """Neither at 127 nor by their exact level: both would miss their rims."""
    with pytest.raises(NoMaskError, match="smeared by compression"):
        lesion_pixels(image, parse_labels(labels))


def test_a_label_that_may_be_a_rim_is_refused():
    """Pixel by pixel a rim of few levels and a class one pixel wide are the same."""
    pixels = np.where(disc(), 255, 0).astype(np.uint8)
    pixels[5, 5:60] = 100
    assert lesion_pixels(Image.fromarray(pixels)).sum() == disc().sum()
    with pytest.raises(NoMaskError, match="label 100"):
        lesion_pixels(Image.fromarray(pixels), parse_labels(["100"]))


@pytest.mark.parametrize(
    ("image", "labels", "wanted"),
    [
        (Image.fromarray(halves(1, 2)), ["1"], halves(1, 0)),
        (Image.fromarray(halves(1, 2)), ["1", "2"], halves(1, 1)),
        (Image.fromarray(halves(128, 255)), ["255"], halves(0, 1)),
        (palette(halves(1, 2)), ["2"], halves(0, 1)),
        (palette(halves(1, 2)), ["#800000"], halves(1, 0)),
        (coloured(halves(1, 2)), ["#008000"], halves(0, 1)),
        (Image.fromarray(border(thin())), ["1"], thin()),
        (palette(halves(1, 2), (BLACK, (100,) * 3, (200,) * 3)), ["1"], halves(1, 0)),
        (coloured(halves(1, 1), (BLACK, (1, 0, 0))), ["#010000"], halves(1, 1)),
        (Image.fromarray(halves(1, 2)), ["7"], halves(0, 0)),
        (MASK, ["1"], halves(1, 1)),
        (MASK, ["0"], 1 - halves(1, 1)),
        (MASK, ["0", "255"], halves(1, 1)),
    ],
)
def test_labels_are_lesion_where_the_user_says_so(image, labels, wanted):
    """Ordinary masks beside them stay what they are; label 0 turns one inside out."""
    assert np.array_equal(lesion_pixels(image, parse_labels(labels)), wanted)


@pytest.mark.parametrize("text", ["lesion", "256", "-1", "1.0", "#80000", "", "800000"])
def test_a_label_is_a_level_or_a_colour(text):
    with pytest.raises(BenchError, match="from 0 to 255, or a colour"):
        parse_labels([text])


def test_the_file_is_named(tmp_path):
    Image.fromarray(halves(1, 2)).save(tmp_path / "mask.png")
    refused(lambda: load_mask(tmp_path / "mask.png"), tmp_path / "mask.png", "0, 1, 2", "--mask-label N")
    assert load_mask(tmp_path / "mask.png", labels=parse_labels(["2"])).sum() == (halves(1, 2) == 2).sum()
