"""Layouts, counts, groups, splits and every refusal of the datasets that read the user's files."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.contracts import Sample
from bench.data.pair_check import check_pairs
from bench.data.splits import tabulate
from bench.datasets import folder, isic2016, isic2018, polyps
from bench.images import save_png
from tests.conftest import make_pairs, refused
from tests.contract.test_datasets import Place, write

TESTS = ("CVC-300", "CVC-ClinicDB", "CVC-ColonDB", "ETIS-LaribPolypDB", "Kvasir")
PUBLISHED = dict(zip(TESTS, (60, 62, 380, 196, 100), strict=True))


def open_polyps(root, **options):
    return polyps.Polyps(polyps.Params(**options), root)


def open_folder(root, **options):
    return folder.Folder(folder.Params(**options), root)


def touch(root, part, stems):
    """Pairs without bytes: enough for whatever matches names only."""
    for kind in ("images", "masks"):
        (root / part / kind).mkdir(parents=True, exist_ok=True)
        for stem in stems:
            (root / part / kind / f"{stem}.png").touch()


def place(part):
    return Place(f"{part}/images", f"{part}/masks")


def ids(samples):
    return [pair.id for pair in samples]


@pytest.fixture
def pranet(tmp_path):
    """Four training pairs and one test set."""
    write(tmp_path, place("TrainDataset"), 4)
    write(tmp_path, place("TestDataset/Kvasir"), 2, prefix="t")
    return tmp_path


@pytest.fixture
def plain(tmp_path):
    """Ten pairs in images/ and masks/."""
    write(tmp_path, place("."))
    return tmp_path


# PraNet's layout


@pytest.mark.parametrize("top", ["", "polyps"])
@pytest.mark.parametrize("image", ["image", "images"])
@pytest.mark.parametrize("mask", ["mask", "masks"])
def test_pranets_folders_have_two_spellings_and_may_lie_in_polyps(tmp_path, top, image, mask):
    """PraNet's archive says image/ and mask/ in one half and images/ and masks/ in the other."""
    train = Place(f"{top}/TrainDataset/{image}".strip("/"), f"{top}/TrainDataset/{mask}".strip("/"))
    stems = write(tmp_path, train, 3)
    samples = open_polyps(tmp_path).samples("train")
    assert ids(samples) == stems
    assert (samples[0].image.parent.name, samples[0].mask.parent.name) == (image, mask)


def test_absent_test_sets_are_named(pranet):
    """One of five is there: the table lists it and names the other four."""
    table = tabulate("polyps", "polyps", open_polyps(pranet))
    assert table.tests == ("test/Kvasir",)
    assert table.absent == tuple(f"test/{name}" for name in TESTS if name != "Kvasir")


def test_all_five_test_sets_can_be_there(pranet):
    for name in TESTS:
        touch(pranet, f"TestDataset/{name}", ["a", "b"])
    table = tabulate("polyps", "polyps", open_polyps(pranet))
    assert table.tests == tuple(f"test/{name}" for name in TESTS)
    assert table.absent == ()


def test_published_counts_are_silent(tmp_path):
    """1450 and 60 / 62 / 380 / 196 / 100 pairs: nothing to warn of."""
    touch(tmp_path, "TrainDataset", [f"p{number}" for number in range(1450)])
    for name, count in PUBLISHED.items():
        touch(tmp_path, f"TestDataset/{name}", [f"t{number}" for number in range(count)])
    assert tabulate("polyps", "polyps", open_polyps(tmp_path)).warnings == ()


def test_other_counts_warn_with_both_numbers(pranet):
    """One line a split; absent splits are not counted."""
    train, test = tabulate("polyps", "polyps", open_polyps(pranet)).warnings
    assert re.search(r"train: 4 pairs.* 1450\b", train)
    assert re.search(r"test/Kvasir: 2 pairs.* 100\b", test)


@pytest.mark.parametrize(
    ("stem", "group"),
    [
        ("1", "clinicdb-01"), ("25", "clinicdb-01"), ("26", "clinicdb-02"), ("050", "clinicdb-02"),
        ("68", "clinicdb-04"), ("78", "clinicdb-04"), ("200", "clinicdb-10"), ("252", "clinicdb-12"),
        ("591", "clinicdb-28"), ("592", "clinicdb-29"), ("612", "clinicdb-29"),
        ("0", ""), ("613", ""), ("cju0qkwl35piu0993l0dewei2", ""), ("12a", ""), ("-5", ""), ("", ""),
    ],
)  # fmt: skip
def test_clinicdb_frames_are_grouped_by_sequence(stem, group):
    """29 sequences by their last frame; every other name stands alone."""
    assert polyps.clinicdb_group(stem) == group


def test_numbers_of_other_test_sets_are_no_clinicdb_frames(pranet):
    """ETIS and CVC-300 number their files as well."""
    touch(pranet, "TrainDataset", ["7"])
    touch(pranet, "TestDataset/CVC-ClinicDB", ["7"])
    touch(pranet, "TestDataset/ETIS-LaribPolypDB", ["7"])
    dataset = open_polyps(pranet)
    assert {pair.id: pair.group for pair in dataset.samples("train")} == {
        "7": "clinicdb-01", "s000": "", "s001": "", "s002": "", "s003": "",
    }  # fmt: skip
    assert [pair.group for pair in dataset.samples("test/CVC-ClinicDB")] == ["clinicdb-01"]
    assert [pair.group for pair in dataset.samples("test/ETIS-LaribPolypDB")] == [""]


def test_pairs_match_by_stem_never_by_order(tmp_path):
    """Other endings sort otherwise: `a.b.jpg` before `a.jpg`, but `a.b.png` belongs to it all the same."""
    touch(tmp_path, "TrainDataset", [])
    for name in ("10.jpg", "9.PNG", "a.b.jpg", "a.jpeg"):
        (tmp_path / "TrainDataset/images" / name).touch()
    for name in ("10.png", "9.bmp", "a.b.tif", "a.png"):
        (tmp_path / "TrainDataset/masks" / name).touch()
    samples = open_polyps(tmp_path).samples("train")
    assert [(pair.id, pair.image.name, pair.mask.name) for pair in samples] == [
        ("10", "10.jpg", "10.png"), ("9", "9.PNG", "9.bmp"),
        ("a", "a.jpeg", "a.png"), ("a.b", "a.b.jpg", "a.b.tif"),
    ]  # fmt: skip


def test_what_is_no_image_and_what_is_hidden_is_left_out(pranet):
    """Notes, Windows thumbnails and the `._` files of macOS archives are not images without a mask."""
    for name in ("readme.txt", "Thumbs.db", "._s000.png", ".DS_Store"):
        (pranet / "TrainDataset/images" / name).touch()
    assert len(open_polyps(pranet).samples("train")) == 4


# ISIC


def test_isic2016_official_layout(tmp_path):
    """JPEG images, masks `<id>_Segmentation.png`, 900 and 379 published."""
    for part in ("Training", "Test"):
        stems = write(
            tmp_path,
            Place(f"ISBI2016_ISIC_Part1_{part}_Data", f"ISBI2016_ISIC_Part1_{part}_GroundTruth", "_Segmentation"),
            2, prefix="ISIC_0000",
        )  # fmt: skip
    dataset = isic2016.Isic2016(isic2016.IsicParams(), tmp_path)
    assert dataset.splits() == ("train", "test/ISIC2016")
    assert ids(dataset.samples("train")) == ids(dataset.samples("test/ISIC2016")) == stems
    assert dataset.expected == {"train": 900, "test/ISIC2016": 379}


def write_isic2018(root, parts, count=3):
    for part in parts:
        images, masks = f"ISIC2018_Task1-2_{part}_Input", f"ISIC2018_Task1_{part}_GroundTruth"
        write(root, Place(images, masks, "_segmentation"), count, prefix="ISIC_0000")
        (root / images / "ISIC_0000000_superpixels.png").touch()
        (root / images / "ATTRIBUTION.txt").touch()


def test_isic2018_official_layout_with_superpixels(tmp_path):
    """`_superpixels` files of the official archives are no images; 2594, 100 and 1000 published."""
    write_isic2018(tmp_path, ("Training", "Validation", "Test"))
    dataset = isic2018.Isic2018(isic2018.IsicParams(), tmp_path)
    for split in ("train", "val", "test/ISIC2018"):
        samples = dataset.samples(split)
        assert ids(samples) == ["ISIC_0000000", "ISIC_0000001", "ISIC_0000002"]
        assert samples[0].mask.name == "ISIC_0000000_segmentation.png"
    assert dataset.expected == {"train": 2594, "val": 100, "test/ISIC2018": 1000}


def test_isic2018_needs_no_validation_split(tmp_path):
    """It may be missing without being named as absent."""
    write_isic2018(tmp_path, ("Training", "Test"))
    table = tabulate("isic2018", "isic2018", isic2018.Isic2018(isic2018.IsicParams(), tmp_path))
    assert tuple(table.splits) == ("train", "test/ISIC2018")
    assert table.absent == ()


# A plain folder


def splits_of(root, **options):
    dataset = open_folder(root, **options)
    return {split: ids(dataset.samples(split)) for split in dataset.splits()}


def test_folder_is_split_three_one_one(plain):
    """Ten pairs: six, two, two; every pair once."""
    splits = splits_of(plain)
    assert {split: len(names) for split, names in splits.items()} == {"train": 6, "val": 2, "test/test": 2}
    assert sorted(sum(splits.values(), [])) == [f"s{number:03d}" for number in range(10)]


def test_the_split_follows_its_seed(plain):
    """The same seed, the same split; another seed, another; not the order of the names."""
    assert splits_of(plain) == splits_of(plain, split_seed=0)
    drawn = [tuple(splits_of(plain, split_seed=seed)["train"]) for seed in range(6)]
    assert len(set(drawn)) > 3


def manifest(root, *lines):
    (root / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_groups_never_straddle_a_split(plain):
    """Whatever the seed, and also when one group is most of the data."""
    for groups in ("aabbccddee", "aaaaaaaabc", "abcabcabca"):
        manifest(plain, "id,group", *(f"s{number:03d},{group}" for number, group in enumerate(groups)))
        for seed in range(10):
            dataset = open_folder(plain, split_seed=seed)
            found = [{pair.group for pair in dataset.samples(split)} for split in dataset.splits()]
            assert all(found), "no split is empty"
            assert sum(map(len, found)) == len(set(groups))


def test_a_manifest_gives_prompts_and_splits(plain):
    """Named splits are taken as they are; an empty prompt falls back to the parameter. Excel's mark is no harm."""
    parts = ["train"] * 5 + ["val"] * 2 + ["test"] * 3
    rows = [f"s{number:03d},{part},{'A photo of a mole.' if number else ''}" for number, part in enumerate(parts)]
    (plain / "manifest.csv").write_text("\n".join(["id,split,prompt", *rows]), encoding="utf-8-sig")
    dataset = open_folder(plain, prompt="A photo.")
    assert ids(dataset.samples("train")) == [f"s{number:03d}" for number in range(5)]
    assert ids(dataset.samples("test/test")) == ["s007", "s008", "s009"]
    assert [pair.prompt for pair in dataset.samples("train")[:2]] == ["A photo.", "A photo of a mole."]


ROWS = [f"s{number:03d}" for number in range(10)]


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        (["name,group", "s000,a"], ["no column id", "must name the columns"]),
        (["id,group"], ["no rows", "add one for every image"]),
        (["id", *ROWS, "s010"], ["id 's010'", "remove the row"]),
        (["group,id", *(f"a,{row}" for row in ROWS), "b"], ["row 'b' has fewer cells", "remove it"]),
        (["id,group", *(f"{row},a" for row in ROWS[:9]), "s009,a,b"], ["row 's009, a, b'", "more cells"]),
        (["id,ID", *(f"{row},a" for row in ROWS)], ["two columns of the name 'id'"]),
        (["id,patient_id", *(f"{row},a" for row in ROWS)], ["column patient_id", "call it group"]),
        (["id,Video", *(f"{row},a" for row in ROWS)], ["column video", "call it group"]),
        (["id", *ROWS[1:]], ["image s000 has no row", "add one"]),
        (["id", *ROWS, "s003"], ["id s003 stands in more than one row", "keep one"]),
        (["id,split", *(f"{row},train" for row in ROWS[:9]), "s009,testing"], ["id s009", "'testing'", "val or test"]),
        (["id,split", *(f"{row},train" for row in ROWS[:9]), "s009,"], ["id s009", "''", "val or test"]),
        (
            ["id,group,split", *(f"{row},a,train" for row in ROWS[:9]), "s009,a,test"],
            ["group a stands in train and test", "keep it in one split"],
        ),
        (["id,group", *(f"{row},a" for row in ROWS[:9]), "s009,b"], ["2 group(s)", "at least 3"]),
    ],
    ids=[
        "no id",
        "no rows",
        "stranger",
        "short row",
        "long row",
        "two ids",
        "patient",
        "video",
        "no row",
        "twice",
        "split",
        "no split",
        "straddling",
        "groups",
    ],
)
def test_a_wrong_manifest_is_named_with_its_remedy(plain, lines, parts):
    manifest(plain, *lines)
    refused(lambda: open_folder(plain).samples("train"), plain / "manifest.csv", *parts)


def test_a_manifest_in_another_encoding_is_named(plain):
    (plain / "manifest.csv").write_bytes("id,group\ns000,Müller\n".encode("latin-1"))
    refused(lambda: open_folder(plain).samples("train"), plain / "manifest.csv", "UTF-8", "save it")


# Bad input


READERS = [
    pytest.param(open_polyps, "TrainDataset", id="polyps"),
    pytest.param(open_folder, ".", id="folder"),
]


@pytest.fixture
def bad(tmp_path):
    """`bad(part)`: four good pairs and the first one's image and mask to spoil."""

    def make(part):
        write(tmp_path, place(part), 4)
        return tmp_path / part / "images" / "s000.png", tmp_path / part / "masks" / "s000.png"

    return make


@pytest.mark.parametrize(("reader", "part"), READERS)
def test_an_image_without_mask_is_named_and_the_reverse(reader, part, bad, tmp_path):
    """Names alone tell it, before any file is opened; the others are counted."""
    image, mask = bad(part)
    data = mask.read_bytes()
    mask.unlink()
    refused(lambda: reader(tmp_path).samples("train"), image, "no mask of that name", "add or remove it")
    mask.write_bytes(data)
    image.unlink()
    image.with_name("s001.png").unlink()
    refused(lambda: reader(tmp_path).samples("train"), mask, "no image of that name", "(and 1 more)", "add or remove")


@pytest.mark.parametrize(("reader", "part"), READERS)
def test_two_files_of_one_stem_are_named(reader, part, bad, tmp_path):
    image, _ = bad(part)
    image.with_suffix(".jpg").touch()
    refused(lambda: reader(tmp_path).samples("train"), image, "s000.jpg", "same stem", "remove one")


def spoil_size(image, mask):
    save_png(mask, np.ones((9, 7), np.uint8) * 255)
    return [image, mask, "24x24 and 7x9", "bring both to one size"]


def spoil_text(image, mask):  # noqa: ARG001
    image.write_text("not an image\n")
    return [image, "not a readable image", "replace or remove it"]


def spoil_bytes(image, mask):  # noqa: ARG001
    mask.write_bytes(b"")
    return [mask, "not a readable image", "replace or remove it"]


def spoil_half(image, mask):  # noqa: ARG001
    image.write_bytes(image.read_bytes()[:200])
    return [image, "not a readable image", "replace or remove it"]


def spoil_depth(image, mask):  # noqa: ARG001
    Image.fromarray(np.full((24, 24), 999, np.uint16)).save(mask)
    return [mask, "8-bit", "convert it"]


def spoil_mask(image, mask):  # noqa: ARG001
    save_png(mask, np.zeros((24, 24), np.uint8))
    return [mask, "no lesion", "remove the pair", "allow_empty_masks=true"]


@pytest.mark.parametrize(("reader", "part"), READERS)
@pytest.mark.parametrize("spoil", [spoil_size, spoil_text, spoil_bytes, spoil_half, spoil_depth, spoil_mask])
def test_check_names_the_file_and_the_remedy(reader, part, spoil, bad, tmp_path):
    """The first bad file is named; listing does not open it."""
    parts = spoil(*bad(part))
    dataset = reader(tmp_path)
    everything = [pair for split in dataset.splits() for pair in dataset.samples(split)]
    refused(lambda: check_pairs(tuple(everything), allow_empty=False), *parts)


def test_empty_masks_can_be_allowed(bad, tmp_path):
    spoil_mask(*bad("."))
    dataset = open_folder(tmp_path)
    check_pairs(tuple(pair for split in dataset.splits() for pair in dataset.samples(split)), allow_empty=True)


def test_masks_of_zero_and_one_are_recognised(tmp_path):
    """A common format: the remedy is never to allow empty masks."""
    samples = make_pairs(tmp_path, 3)
    save_png(samples[1].mask, np.eye(24, dtype=np.uint8))
    for allow_empty in (False, True):
        refused(lambda: check_pairs(samples, allow_empty), samples[1].mask, "0, 1", "--mask-label 1")  # noqa: B023


def test_one_pair_is_not_enough(tmp_path):
    """Said once, for every dataset, by the engine; the splits of a folder need three pairs by themselves."""
    (tmp_path / "plain").mkdir()
    write(tmp_path / "plain", place("."), 1)
    refused(lambda: open_folder(tmp_path / "plain").samples("train"), tmp_path / "plain", "1 image", "at least 3")
    write(tmp_path, place("TrainDataset"), 1)
    write(tmp_path, place("TestDataset/Kvasir"), 2)
    refused(lambda: tabulate("polyps", "polyps", open_polyps(tmp_path)), tmp_path, "1 training pair", "at least 3")


def test_a_missing_folder_is_named_with_what_should_be_there(tmp_path):
    """A wrong --data, a half of a layout, and masks that were forgotten."""
    refused(lambda: open_polyps(tmp_path).samples("train"), tmp_path, "TrainDataset", "give the folder")
    refused(lambda: open_folder(tmp_path).samples("train"), tmp_path, "images/ and masks/", "add or rename")
    isic = isic2018.Isic2018(isic2018.IsicParams(), tmp_path)
    refused(lambda: isic.samples("train"), tmp_path, "isic2018/ISIC2018_Task1-2_Training_Input", "give the folder")
    (tmp_path / "TrainDataset/images").mkdir(parents=True)
    refused(lambda: open_polyps(tmp_path).samples("train"), tmp_path / "TrainDataset", "mask(s)/", "add or rename")
    (tmp_path / "ISIC2018_Task1-2_Training_Input").mkdir()
    refused(lambda: isic.samples("train"), tmp_path / "ISIC2018_Task1_Training_GroundTruth", "must hold the masks")


def test_missing_files_are_named_when_they_vanish(tmp_path):
    """A file that is deleted between listing and checking."""
    gone = Sample(id="a", image=tmp_path / "a.png", mask=tmp_path / "b.png")
    refused(lambda: check_pairs((gone,), allow_empty=False), gone.image, "no such image")


# Real data


def test_real_polyps(real_data: Path):
    """1439 training pairs, two of five test sets, 25 training sequences that share no frame's group with the test."""
    dataset = open_polyps(real_data)
    table = tabulate("polyps", "polyps", dataset)
    assert {split: len(samples) for split, samples in table.splits.items()} == {
        "train": 1439, "test/CVC-ClinicDB": 64, "test/Kvasir": 100,
    }  # fmt: skip
    assert table.absent == ("test/CVC-300", "test/CVC-ColonDB", "test/ETIS-LaribPolypDB")
    assert len(table.warnings) == 2, "train and CVC-ClinicDB differ from the published counts, Kvasir does not"
    train, test = ({pair.group for pair in table.splits[split]} for split in ("train", "test/CVC-ClinicDB"))
    assert test == {"clinicdb-04", "clinicdb-10", "clinicdb-11", "clinicdb-12"}
    assert len(train - {""}) == 25
    assert not train & test
    assert sum(pair.group != "" for pair in table.splits["train"]) == 545
    check_pairs(table.splits["test/CVC-ClinicDB"], allow_empty=False)


def test_real_isic2018(real_data: Path):
    """400 + 100, no validation split."""
    dataset = isic2018.Isic2018(isic2018.IsicParams(), real_data)
    table = tabulate("isic2018", "isic2018", dataset)
    assert {split: len(samples) for split, samples in table.splits.items()} == {"train": 400, "test/ISIC2018": 100}
    check_pairs(table.splits["test/ISIC2018"], allow_empty=False)
