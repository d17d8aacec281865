"""A folder as a set: which files belong to it, what its manifest says, what is told and what is refused."""

import numpy as np
import pytest
from PIL import Image

from bench.contracts import Quiet
from bench.data.image_folder import open_all, read_folder
from bench.data.pixel_cache import PixelCache
from bench.images import save_png
from tests.conftest import make_pairs, refused


@pytest.fixture
def pairs(tmp_path):
    """Four pairs in images/ and masks/."""
    make_pairs(tmp_path / "set", 4)
    return tmp_path / "set"


def read(path, synthetic=True):
    return read_folder(path, synthetic)


def look(path):
    open_all(read(path), PixelCache(), None, (), 0, Quiet())


def test_images_may_lie_in_the_folder_or_in_images(pairs):
    """The name is the folder's; masks belong to a folder that holds both."""
    assert [sample.id for sample in read(pairs).samples] == ["s000", "s001", "s002", "s003"]
    assert read(pairs).has_masks
    bare = read(pairs / "images")
    assert (bare.name, bare.has_masks, bare.size) == ("images", False, (24, 24))
    assert read(pairs).name == "set"


@pytest.mark.parametrize("ending", ["png", "jpg", "JPEG", "bmp", "tif", "tiff", "webp", "gif"])
def test_every_stated_format_is_read(tmp_path, ending):
    for number in range(3):
        Image.new("RGB", (8, 6), (50 * number,) * 3).save(tmp_path / f"{number}.{ending}")
    look(tmp_path)
    assert read(tmp_path).size == (8, 6)


def test_files_that_are_no_images_are_left_out_and_told(pairs):
    """One note for all of them; hidden files and the manifest are not worth one."""
    for name in ("readme.txt", "images/list.csv", "images/._s000.png", ".DS_Store"):
        (pairs / name).touch()
    (pairs / "manifest.csv").write_text("id\n" + "\n".join(f"s{n:03d}" for n in range(4)))
    folder = read(pairs)
    assert len(folder.samples) == 4
    assert folder.notes == (f"left out of {pairs}: readme.txt", f"left out of {pairs / 'images'}: list.csv")


def test_conversions_are_told(pairs):
    grey = Image.open(pairs / "images/s001.png").convert("L")
    grey.save(pairs / "images/s001.png")
    assert read(pairs).notes == ("synthetic set set: 1 of 4 images: grey, repeated over three channels",)


def test_a_manifest_gives_groups_prompts_and_sources(pairs):
    lines = ["id,group,prompt,source", "s000,v1,A polyp.,r7", "s001,v1,,", "s002,,,", "s003,,,"]
    (pairs / "manifest.csv").write_text("\n".join(lines))
    first, second, *_ = read(pairs).samples
    assert (first.group, first.prompt, first.source, first.condition) == ("v1", "A polyp.", "r7", "r7")
    assert (second.group, second.condition) == ("v1", "s001")
    assert read(pairs, synthetic=False).samples[0].source == "", "a real image was made from nothing"


def test_copies_of_one_mask_belong_to_it(tmp_path):
    """The names the suite gives to several samples of one mask; what a manifest says counts more."""
    for name in ("a", "a-copy2", "b-copy12", "c-copy"):
        save_png(tmp_path / f"{name}.png", np.zeros((4, 4, 3), np.uint8))
    assert [sample.condition for sample in read(tmp_path).samples] == ["a", "a", "b", "c-copy"]
    (tmp_path / "manifest.csv").write_text("id,source\na,\na-copy2,x\nb-copy12,\nc-copy,\n")
    assert [sample.condition for sample in read(tmp_path).samples] == ["a", "x", "b", "c-copy"]


def test_what_an_image_was_made_from_is_part_of_the_set(pairs):
    """The same pixels with other sources are scored anew; a group as well; another folder's name is not."""
    plain = read(pairs).fingerprint
    assert read(pairs.rename(pairs.with_name("other"))).fingerprint == plain
    other = pairs.with_name("other")
    for column in ("source", "group"):
        (other / "manifest.csv").write_text(f"id,{column}\ns000,x\ns001,\ns002,\ns003,\n")
        assert read(other).fingerprint != plain


def test_images_of_several_sizes_have_no_common_one(pairs):
    Image.open(pairs / "images/s002.png").resize((12, 16)).save(pairs / "images/s002.png")
    refused(lambda: read(pairs), pairs / "images/s002.png", "12x16 and 24x24", "bring both to one size")
    folder = read(pairs / "images")
    assert folder.size is None
    assert folder.sizes == {(24, 24): 3, (12, 16): 1}


def test_a_missing_folder_is_named(tmp_path):
    refused(lambda: read(tmp_path / "no"), f"synthetic folder {tmp_path / 'no'}", "no such folder")
    refused(lambda: read(tmp_path / "no", False), f"real folder {tmp_path / 'no'}", "no such folder")


@pytest.mark.parametrize("count", [0, 2])
def test_too_few_images_are_counted(tmp_path, count):
    """Subfolders are not searched; the endings that are looked for are named."""
    make_pairs(tmp_path / "class_a" / "deep", 3)
    for number in range(count):
        save_png(tmp_path / f"{number}.png", np.zeros((4, 4, 3), np.uint8))
    refused(lambda: read(tmp_path), tmp_path, f"{count} image(s)", ".webp", "at least 3")


def test_a_dataset_one_level_down_is_pointed_at(tmp_path):
    make_pairs(tmp_path / "TrainDataset", 3)
    refused(lambda: read(tmp_path), tmp_path, "0 image(s)", f"did you mean {tmp_path / 'TrainDataset'}?")


def test_images_that_come_twice_are_counted(pairs):
    """Which no measure of a set's images could tell from independent ones."""
    assert not read(pairs).repeats
    (pairs / "images" / "s001.png").write_bytes((pairs / "images" / "s000.png").read_bytes())
    (line,) = read(pairs).repeats
    assert "synthetic set set: 4 images, 3 distinct" in line
    assert "s001" in line


def test_lonely_files_are_named(pairs):
    (pairs / "masks/s002.png").rename(pairs / "masks/t002.png")
    refused(lambda: read(pairs), pairs / "images/s002.png", "no mask of that name", "add or remove it")


def test_two_files_of_one_stem_are_named(pairs):
    Image.open(pairs / "images/s002.png").save(pairs / "images/s002.jpg")
    refused(lambda: read(pairs / "images"), "s002.png", "same stem", "remove one")


def test_a_manifest_row_without_image_is_named(pairs):
    (pairs / "manifest.csv").write_text("id\ns000\ns001\ns002\ns003\ns004\n")
    refused(lambda: read(pairs), pairs / "manifest.csv", "'s004'", "no image")


@pytest.mark.parametrize("victim", ["images", "masks"])
def test_a_broken_body_is_named(pairs, victim):
    """The header is whole, half of the pixels are missing."""
    path = pairs / victim / "s002.png"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    read(pairs)
    refused(lambda: look(pairs), path, "not a readable image", "replace or remove it")


def test_masks_of_0_and_1_are_named(pairs):
    """They would be read as masks without any lesion."""
    path = pairs / "masks/s001.png"
    Image.fromarray((np.asarray(Image.open(path)) > 127).astype(np.uint8)).save(path)
    refused(lambda: look(pairs), path, "0, 1", "--mask-label 1")


def test_an_empty_mask_is_a_picture_without_lesion(pairs):
    Image.new("L", (24, 24)).save(pairs / "masks/s001.png")
    look(pairs)
