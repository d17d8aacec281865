"""Which files of a folder are its images, which mask is whose, and what a manifest says of them."""

import os
import unicodedata

import pytest

from bench.contracts import Sample
from bench.data.layout import Naming, files_by_stem, left_out, match, read_set
from bench.data.manifest import clean, read_manifest
from tests.conftest import refused


@pytest.fixture
def folder(tmp_path):
    """`folder("images", "a.png", …)` makes empty files."""

    def make(name, *files):
        (tmp_path / name).mkdir(exist_ok=True)
        for file in files:
            (tmp_path / name / file).touch()
        return tmp_path / name

    return make


def ids(split):
    return [sample.id for sample in split]


def test_a_set_is_read_with_its_manifest_and_says_what_is_left_out(folder, tmp_path):
    folder("images", "a_0000.png", "b-copy2_0000.png", "notes.txt")
    folder("masks", "a.png", "b-copy2.png")
    (tmp_path / "manifest.csv").write_text("id,group,prompt,age\na,one,,3\nb-copy2,,A polyp.,4\n")
    found = read_set(tmp_path, "--data X", Naming("_0000"), prompt="A lesion.", synthetic=True)
    assert [(one.id, one.group, one.prompt, one.source) for one in found.samples] == [
        ("a", "one", "A lesion.", ""),
        ("b-copy2", "", "A polyp.", "b"),
    ]
    assert [line.rpartition(": ")[2] for line in found.notes()] == ["column age", "notes.txt"]


def test_what_is_no_set_is_refused_under_the_name_it_was_given(folder, tmp_path):
    refused(lambda: read_set(tmp_path / "none", "--data X"), "--data X: no such folder", "images/ and masks/")
    folder("images", "a.png")
    refused(lambda: read_set(tmp_path, "--data X"), "--data X: must hold images/ and masks/")
    folder("masks", "a.png")
    refused(lambda: read_set(tmp_path, "--data X", least=3), "--data X: 1 image(s)", "at least 3")
    assert ids(read_set(tmp_path, "--data X").samples) == ["a"]


def test_composed_and_decomposed_names_are_one_name(folder):
    """macOS writes ä as a with two dots behind it."""
    composed, decomposed = (unicodedata.normalize(form, "Läsion") for form in ("NFC", "NFD"))
    assert composed != decomposed
    images, masks = folder("images", f"{decomposed}.png"), folder("masks", f"{composed}.png")
    assert ids(match(images, masks, "")) == [composed]
    refused(lambda: files_by_stem(folder("images", f"{composed}.jpg")), "same stem")


def test_a_name_that_is_not_utf_8_is_refused_in_one_line(folder):
    images = folder("images", "a.png")
    (images / os.fsdecode("病变".encode("gbk") + b".png")).touch()
    refused(lambda: files_by_stem(images), "\\udcb2", "not UTF-8", "rename")


def test_control_characters_never_become_an_id(folder):
    (name,) = files_by_stem(folder("images", "a\x1b[31mred\x1b[0m.png"))
    assert name == "a\\x1b[31mred\\x1b[0m"
    assert clean(" a\tb\n") == "a\\x09b"


def test_pipes_and_dead_links_are_refused(folder):
    images = folder("images", "a.png")
    os.mkfifo(images / "b.png")
    refused(lambda: files_by_stem(images), images / "b.png", "a pipe", "remove it")
    (images / "b.png").unlink()
    (images / "c.png").symlink_to(images / "gone.png")
    refused(lambda: files_by_stem(images), images / "c.png", "a link to nothing")


def test_what_lies_beside_an_image_is_none(folder):
    """Superpixels, masks in the same folder, folders; a name that only ends so is an image."""
    images = folder("images", "a.png", "a_superpixels.png", "a_mask.png", "A_Segmentation.png", "b_mask.png", ".c.png")
    (images / "d.png").mkdir()
    assert sorted(files_by_stem(images)) == ["A_Segmentation", "a", "b_mask"]
    samples = tuple(Sample(id=name, image=path, mask=path) for name, path in files_by_stem(images).items())
    (line,) = left_out(samples)
    assert f"left out of {images}: a_mask.png, a_superpixels.png, d.png" in line


def test_much_that_is_left_out_is_counted(folder):
    images = folder("images", "a.png", *(f"a_{number}.txt" for number in range(9)))
    (line,) = left_out((Sample(id="a", image=images / "a.png", mask=images / "a.png"),))
    assert line.startswith(f"left out of {images}: ")
    assert line.endswith("a_0.txt, a_1.txt, a_2.txt and 6 more")


def test_endings_of_images_and_masks(folder):
    images, masks = folder("images", "a_0000.png", "b_0000.png"), folder("masks", "a_seg.png", "b_seg.gif")
    pairs = match(images, masks, "", image_suffix="_0000", mask_suffix="_seg")
    assert [(pair.id, pair.image.name, pair.mask.name) for pair in pairs] == [
        ("a", "a_0000.png", "a_seg.png"),
        ("b", "b_0000.png", "b_seg.gif"),
    ]


def test_masks_may_lie_among_the_images(folder):
    both = folder("both", "a.png", "a_m.png", "b.png", "b_m.png")
    assert [(p.image.name, p.mask.name) for p in match(both, both, "", mask_suffix="_m")] == [
        ("a.png", "a_m.png"),
        ("b.png", "b_m.png"),
    ]
    folder("both", "c.png")
    refused(lambda: match(both, both, "", mask_suffix="_m"), both / "c.png", "no mask")


@pytest.mark.parametrize(
    ("image", "mask", "parts"),
    [
        ("a.png", "a_mask.png", ["a_mask.png", "--mask-suffix _mask"]),
        ("a.jpg", "a_segmentation.png", ["a_segmentation.png", "--mask-suffix _segmentation"]),
        ("a_0000.png", "a.png", ["as a.png", "--image-suffix _0000"]),
        ("a.png", "a.nii", ["a.nii", "convert the masks to png"]),
        ("a.png", "ab.png", ["add or remove it"]),
    ],
)
def test_a_mask_under_another_name_is_pointed_at(folder, image, mask, parts):
    images, masks = folder("images", image), folder("masks", mask)
    refused(lambda: match(images, masks, ""), images / image, "no mask of that name", *parts)


@pytest.mark.parametrize(
    "text",
    [
        "id,group\na,p\nb,q\n",
        "id, group\na, p\nb, q\n",
        "ID,Group\na,p\nb,q\n",
        "id;group\na;p\nb;q\n",
        "id\tgroup\na\tp\nb\tq\n",
        "\ufeffid,group\r\na,p\r\n\r\nb,q\r\n,\r\n",
        ' "id" ,group \n a , p\n"b",q\n',
        "id,group,age\na,p,70\nb,q,\n",
        "id,group,,\na,p,,\nb,q,,\n",
        "sep=;\nid;group\na;p\nb;q\n",
        "\n\nid;group, or video\na;p\nb;q\n".replace(", or video", ""),
    ],
    ids=[
        *("plain", "blanks", "capitals", "semicolons", "tabs", "empty rows", "quotes", "more columns"),
        *("blank columns", "Excel's mark", "blank lines first"),
    ],
)
def test_a_manifest_as_people_write_it(tmp_path, text):
    (tmp_path / "manifest.csv").write_bytes(text.encode())
    manifest = read_manifest(tmp_path, ["a", "b"])
    assert {name: row["group"] for name, row in manifest.rows.items()} == {"a": "p", "b": "q"}
    assert manifest.notes() == ([f"{tmp_path / 'manifest.csv'}: not read: column age"] if "age" in text else [])


@pytest.mark.parametrize(
    "column",
    [
        *("patient", "patient_id", "PatientID", "Patient ID", "sequence", "video", "case_id", "group_id", "Patients"),
        *("study_uid", "StudyInstanceUID", "participant", "clip", "video_name", "\u200bgroup"),
    ],
)
def test_groups_under_another_name_are_never_lost(tmp_path, column):
    """Passed over without a word, images of one patient would stand in training and test."""
    (tmp_path / "manifest.csv").write_text(f"id,{column}\na,p\n")
    refused(lambda: read_manifest(tmp_path, ["a"]), "manifest.csv", column.lower(), "call it group")
    (tmp_path / "manifest.csv").write_text(f"id,{column},group\na,p,g\n")
    assert read_manifest(tmp_path, ["a"]).rows["a"]["group"] == "g"


@pytest.mark.parametrize("column", ["lesion_area", "age", "comment", "casebook"])
def test_other_columns_are_only_named(tmp_path, column):
    (tmp_path / "manifest.csv").write_text(f"id,{column}\na,p\n")
    assert read_manifest(tmp_path, ["a"]).unread == (column,)


def test_a_manifest_that_cannot_be_read_is_never_passed_over(tmp_path):
    """In capitals, as a folder, as a link to nothing."""
    (tmp_path / "Manifest.csv").write_text("id,group\na,p\n")
    refused(lambda: read_manifest(tmp_path, ["a"]), "Manifest.csv", "call it manifest.csv")
    (tmp_path / "Manifest.csv").unlink()
    (tmp_path / "manifest.csv").symlink_to(tmp_path / "gone")
    refused(lambda: read_manifest(tmp_path, ["a"]), "manifest.csv", "a link to nothing")


def test_an_ending_in_an_id_is_pointed_at(tmp_path):
    (tmp_path / "manifest.csv").write_text("id,group\na.png,p\n")
    refused(lambda: read_manifest(tmp_path, ["a"]), "'a.png'", "without its ending")


def test_a_name_too_long_to_make_others_from_is_refused(folder):
    refused(lambda: files_by_stem(folder("images", f"{'x' * 201}.png")), "longer than 200 bytes")
