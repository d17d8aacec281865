"""The one place where a file becomes pixels: thresholds, channels, sizes, errors, whole files."""

import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from bench.images import (
    CONVERSIONS,
    VIEWS,
    Header,
    header_of,
    is_whole_png,
    load_grey,
    load_mask,
    load_rgb,
    pixel_limit,
    refuse_unlike,
    rotate,
    save_png,
    size_of,
    undone,
)
from tests.conftest import refused

READERS = [load_rgb, load_mask, load_grey, size_of]


@pytest.fixture
def write(tmp_path):
    """`write(array, mode, name)` -> path of the saved picture."""

    def save(pixels, mode=None, name="picture.png"):
        image = Image.fromarray(pixels)
        (image.convert(mode) if mode else image).save(tmp_path / name)
        return tmp_path / name

    return save


def ramp():
    return np.arange(256, dtype=np.uint8).reshape(8, 32)


def test_lesion_is_above_127(write):
    """127 is background, 128 is lesion; the result is uint8 in {0, 1}."""
    mask = load_mask(write(ramp()))
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, (ramp() > 127).astype(np.uint8))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1"])
def test_a_mask_is_the_same_in_every_8_bit_mode(write, mode):
    """Black and white as colour, with alpha, as palette or as single bits."""
    truth = np.zeros((6, 9), np.uint8)
    truth[2:4, 3:7] = 1
    assert np.array_equal(load_mask(write(truth * 255, mode)), truth)


def test_a_mask_is_scaled_by_nearest_pixel(write):
    """Twice as large: every pixel four times; no value between 0 and 1; size is (width, height)."""
    truth = np.array([[0, 1, 0], [1, 1, 0]], np.uint8)
    scaled = load_mask(write(truth * 255), (6, 4))
    assert np.array_equal(scaled, truth.repeat(2, 0).repeat(2, 1))


def test_a_mask_is_thresholded_before_it_is_scaled(write):
    """A rim's grey 100 beside grey 200 never averages to lesion or to a third value."""
    assert set(np.unique(load_mask(write(np.array([[100, 200]], np.uint8)), (5, 3)))) == {0, 1}


def test_grey_is_repeated(write):
    """A grey picture has three equal channels."""
    pixels = load_rgb(write(ramp()))
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, np.stack([ramp()] * 3, axis=2))


def coloured():
    return np.dstack([ramp(), ramp().T.reshape(8, 32), 255 - ramp()])


def test_opaque_alpha_is_dropped(write):
    """The colours stay what they are."""
    opaque = np.full((8, 32), 255, np.uint8)
    assert np.array_equal(load_rgb(write(np.dstack([coloured(), opaque]))), coloured())


@pytest.mark.parametrize("read", [load_rgb, load_mask, load_grey])
@pytest.mark.parametrize("name", ["see-through.png", "see-through.tif", "see-through.webp"])
def test_transparent_pixels_are_refused(write, read, name):
    """One pixel is enough: what colour it shows depends on a background that the file does not hold."""
    alpha = np.full((8, 32), 255, np.uint8)
    alpha[3, 4] = 254
    path = write(np.dstack([coloured(), alpha]), name=name)
    refused(lambda: read(path), path, "transparent", "save it as RGB")


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_transparent_colour_is_refused(tmp_path, mode):
    """PNG may name one colour as transparent, without an alpha channel; where no pixel has it, nothing is wrong."""
    path = tmp_path / "key.png"
    image = Image.new("RGB", (4, 4), (9, 9, 9)).convert(mode)
    for index, others in ((image.getpixel((0, 0)), False), ((1, 2, 3) if mode == "RGB" else 77, True)):
        image.save(path, transparency=index)
        if others:
            load_rgb(path)
        else:
            refused(lambda: load_rgb(path), path, "transparent")


def test_a_palette_is_looked_up(tmp_path):
    """Palette files are read as the colours they show, not as indices."""
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:2] = (200, 30, 10)
    path = tmp_path / "palette.png"
    Image.fromarray(pixels).quantize(2).save(path)
    assert Image.open(path).mode == "P"
    assert np.array_equal(load_rgb(path), pixels)


def test_rgb_is_squashed_to_width_and_height(write):
    """`size` is (width, height), aspect ratio is lost, and shrinking averages all pixels."""
    pixels = np.zeros((8, 12, 3), np.uint8)
    pixels[:, ::2] = 200
    small = load_rgb(write(pixels), (3, 2))
    assert small.shape == (2, 3, 3)
    assert np.abs(small.astype(int) - 100).max() < 35


def test_a_picture_of_the_asked_size_is_not_touched(write):
    """No filter runs over it."""
    pixels = np.random.default_rng(0).integers(0, 255, (5, 7, 3), dtype=np.uint8)
    assert np.array_equal(load_rgb(write(pixels), (7, 5)), pixels)


def test_grey_maps_keep_every_level(write):
    """A probability map x 255 comes back as it was written."""
    assert np.array_equal(load_grey(write(ramp())), ramp())


def test_every_view_is_undone_by_one():
    pixels = np.arange(24).reshape(4, 6)
    seen = [rotate(pixels, view) for view in range(len(VIEWS))]
    assert len({view.tobytes() for view in seen}) == len(VIEWS)
    assert all((rotate(turned, undone(view)) == pixels).all() for view, turned in enumerate(seen))


def test_size_is_width_and_height(write):
    assert size_of(write(np.zeros((5, 9, 3), np.uint8))) == (9, 5)


@pytest.mark.parametrize("read", [load_rgb, load_mask, load_grey])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_deeper_pixels_are_refused(tmp_path, read, dtype):
    """16 and 32 bits would be cut to 255 without a word: one line names the file, its mode and the remedy."""
    path = tmp_path / "deep.tif"
    Image.fromarray(np.full((4, 4), 1000, dtype)).save(path)
    refused(lambda: read(path), path, "8-bit", "convert it")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize("read", [load_rgb, load_mask, load_grey])
@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)], ids=["grey", "RGB", "LA", "RGBA"])
def test_16_bit_png_is_refused(tmp_path, read, colour, channels):
    """Pillow opens 16-bit colour as if it had 8 bits and drops the lower half: 12-bit data would come out black."""
    path = tmp_path / "deep.png"
    rows = b"".join(b"\0" + bytes(4 * channels * 2) for _ in range(4))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, colour, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    refused(lambda: read(path), path, "16 bits", "convert it to 8-bit")


@pytest.mark.parametrize("name", ["many.tif", "many.webp", "many.png", "many.gif"])
def test_a_file_of_several_images_is_refused(tmp_path, name):
    """A stack or an animation: which of them is meant nobody can tell."""
    path = tmp_path / name
    frames = [Image.new("RGB", (4, 4), (50 * number, 0, 0)) for number in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    refused(lambda: load_rgb(path), path, "3 images", "file of its own")


def test_exif_orientation_is_not_applied(tmp_path):
    """A camera's note "turn me" is ignored: images and masks stay as they are stored."""
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 4)).save(path, exif=exif)
    assert load_rgb(path).shape == (4, 8, 3)
    assert size_of(path) == (8, 4)


def test_every_readable_mode_has_its_rule(tmp_path):
    """The header alone tells what will be done to an image."""
    for mode in CONVERSIONS:
        path = tmp_path / f"{mode}.png"
        image = Image.new(mode, (4, 3))
        if "A" in mode:
            image.putalpha(255)
        image.save(path)
        assert header_of(path) == Header((4, 3), mode, orientation=1)
        assert load_rgb(path).shape == (3, 4, 3)


def test_printers_colours_are_refused(tmp_path):
    """CMYK has 8 bits, so the line must not say that it has not."""
    path = tmp_path / "print.jpg"
    Image.new("CMYK", (4, 4)).save(path)
    refused(lambda: load_rgb(path), path, "CMYK is not RGB or grey of 8 bits", "convert it")


@pytest.mark.parametrize("read", READERS)
def test_a_missing_file_is_named(tmp_path, read):
    refused(lambda: read(tmp_path / "none.png"), tmp_path / "none.png", "no such image")


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("data", [b"", b"hello\nworld"], ids=["zero bytes", "text"])
def test_a_file_that_is_no_image_is_named(tmp_path, read, data):
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    refused(lambda: read(path), path, "not a readable image", "replace or remove it")


@pytest.mark.parametrize("read", [load_rgb, load_mask, load_grey])
@pytest.mark.parametrize("name", ["cut.png", "cut.jpg", "cut.bmp", "cut.tif", "cut.webp"])
def test_a_truncated_image_is_named(write, read, name):
    """Half of a file is no image, in every format; no grey stripes are made up."""
    path = write(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8), name=name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(lambda: read(path), path, "not a readable image", "replace or remove it")


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("limit", [1599, 1000, 100])
def test_an_image_too_large_to_be_true_is_named(write, read, limit):
    """Just above the limit, where Pillow would only warn, and far above it, where Pillow itself refuses."""
    path = write(np.zeros((40, 40), np.uint8))
    before = Image.MAX_IMAGE_PIXELS
    with pixel_limit(limit):
        refused(lambda: read(path), path, f"the limit of {limit:,}", "--max-pixels")
    with pixel_limit(1600):
        read(path)
    assert before == Image.MAX_IMAGE_PIXELS


def test_pillows_own_warning_is_not_seen(write):
    """Told once, by our line."""
    path = write(np.zeros((40, 40), np.uint8))
    code = f"from bench.images import *\nwith pixel_limit(1000): load_rgb(Path({str(path)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "BenchError" in done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.parametrize("read", READERS)
def test_other_programs_are_never_started(tmp_path, read, monkeypatch):
    """A PostScript file that is called png: Pillow would hand it to Ghostscript."""
    monkeypatch.setattr("subprocess.check_call", lambda *_, **__: pytest.fail("another program was started"))
    path = tmp_path / "picture.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n")
    refused(lambda: read(path), path, "not a readable image", "PNG, JPEG")


@pytest.mark.parametrize("read", READERS)
def test_a_pipe_is_refused(tmp_path, read):
    """Nobody will ever write into it: to open it would wait forever."""
    path = tmp_path / "picture.png"
    os.mkfifo(path)
    refused(lambda: read(path), path, "is no file", "remove it")


def test_a_phones_picture_is_the_first_of_its_two(tmp_path):
    """MPO, which phones call jpg: the second picture is a preview or the other eye's."""
    path = tmp_path / "phone.jpg"
    first, second = (Image.new("RGB", (8, 8), (level,) * 3) for level in (200, 10))
    first.save(path, format="MPO", save_all=True, append_images=[second])
    assert Image.open(path).n_frames == 2
    assert np.abs(load_rgb(path).astype(int) - 200).max() < 4


def turned(path, value, size=(8, 4)):
    exif = Image.Exif()
    exif[0x0112] = value
    Image.new("L", size).save(path, exif=exif)
    return path


def test_unequal_orientation_is_refused(tmp_path):
    """Half a turn would part lesion and mask without a word; for a quarter turn "one size" would be bad advice."""
    mask = tmp_path / "mask.png"
    Image.new("L", (8, 4)).save(mask)
    for value, size in ((3, (8, 4)), (6, (4, 8))):
        image = turned(tmp_path / f"image{value}.jpg", value, size)
        refused(lambda: refuse_unlike(image, mask), image, mask, f"orientation {value}", "upright")  # noqa: B023
        refuse_unlike(image, turned(tmp_path / f"mask{value}.png", value, size))
    refuse_unlike(turned(tmp_path / "upright.jpg", 1), mask)
    refuse_unlike(turned(tmp_path / "nonsense.jpg", 77), mask)


def test_unequal_sizes_are_refused(tmp_path):
    image, mask = turned(tmp_path / "image.png", 1), turned(tmp_path / "mask.png", 1, (4, 8))
    refused(lambda: refuse_unlike(image, mask), image, mask, "8x4 and 4x8", "bring both to one size")


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 3)])
def test_png_is_lossless_and_makes_its_folder(tmp_path, shape):
    pixels = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    path = tmp_path / "a" / "b" / "picture.png"
    save_png(path, pixels)
    assert np.array_equal(np.asarray(Image.open(path)), pixels)
    assert [file.name for file in path.parent.iterdir()] == ["picture.png"]


def test_a_kill_while_writing_leaves_the_old_file_whole(tmp_path, monkeypatch):
    """Killed half-way through the bytes: the name still holds the previous picture, or nothing."""
    path = tmp_path / "picture.png"
    save_png(path, np.zeros((4, 4), np.uint8))
    before = path.read_bytes()

    def half(self, target, **options):  # noqa: ARG001
        with open(target, "wb") as stream:
            stream.write(before[:20])
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", half)
    for target in (path, tmp_path / "new.png"):
        with pytest.raises(KeyboardInterrupt):
            save_png(target, np.ones((4, 4), np.uint8))
    assert path.read_bytes() == before
    assert not (tmp_path / "new.png").exists()
    assert not list(tmp_path.glob("new*.png")), "a half-written file must not look like an image"


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3)])
def test_a_png_is_whole_to_the_last_bit(tmp_path, shape):
    """Cut short anywhere, or any one bit turned; another format is none."""
    path = tmp_path / "a.png"
    save_png(path, np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8))
    assert is_whole_png(path)
    data = path.read_bytes()
    wrong = [bytes([*data[:at], data[at] ^ 1 << at % 8, *data[at + 1 :]]) for at in range(len(data))]
    for bad in (*wrong, *(data[:end] for end in range(len(data)))):
        path.write_bytes(bad)
        assert not is_whole_png(path)
    Image.fromarray(np.zeros(shape, np.uint8)).save(path, format="BMP")
    assert not is_whole_png(path)
