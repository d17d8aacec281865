"""One rule for masks, names, manifests and repeated images at every door: run, folder generator, evaluate, score."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.images import load_mask, save_png
from tests.conftest import make_pairs
from tests.e2e.conftest import TOYS, said

TOY_METRIC = ["--metric", "toy-mean", "--segmenter", "toy-threshold", *TOYS]


@pytest.fixture
def sets(tmp_path):
    """Ten real and six synthetic pairs."""
    make_pairs(tmp_path / "real", 10)
    make_pairs(tmp_path / "fake", 6, seed=1, prefix="f")
    return tmp_path


@pytest.fixture
def door(bench, sets):
    """`door(name, *options)`: the command at that door, on the two sets."""
    out = ["--results", sets / "results"]
    words = {
        "run": ["run", "--generator", "toy-mirror", "--dataset", "folder", "--data", sets / "real", *TOY_METRIC, *out],
        "generator": [
            *["run", "--generator", "folder", "--set", f"generator.folder.path={sets / 'fake'}"],
            *["--dataset", "folder", "--data", sets / "real", *TOY_METRIC, *out],
        ],
        "evaluate": ["evaluate", "--real", sets / "real", "--fake", sets / "fake", "--metric", "toy-mean", *TOYS, *out],
        "score": ["score", "--pred", sets / "pred", "--truth", sets / "real", "--format", "csv"],
    }

    def go(name, *options):
        if name == "score" and not (sets / "pred").exists():
            shutil.copytree(sets / "originals" if (sets / "originals").exists() else sets / "real/masks", sets / "pred")
        return bench(*words[name], *options)

    return go


PLACE = {"run": "real", "generator": "fake", "evaluate": "fake", "score": "real"}
"""The set that a test spoils at each door."""
DOORS = pytest.mark.parametrize("name", PLACE)


def change_masks(folder: Path, change: Callable[[np.ndarray], Image.Image]) -> None:
    """The masks before the change are kept beside the sets, for a perfect prediction."""
    shutil.copytree(folder / "masks", folder.parent / "originals")
    for path in (folder / "masks").iterdir():
        change(load_mask(path)).save(path)


def as_labels(lesion):
    """0, lesion 1, and a class 2 in the corner."""
    pixels = lesion.copy()
    pixels[:4, :4] = 2
    return Image.fromarray(pixels)


def as_palette(lesion):
    image = Image.fromarray(np.asarray(as_labels(lesion)), mode="P")
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    return image


def as_colours(lesion):
    return as_palette(lesion).convert("RGB")


@DOORS
@pytest.mark.parametrize(
    ("change", "found", "label"),
    [(as_labels, "0, 1, 2", "1"), (as_palette, "#800000", "1"), (as_colours, "#800000", "#800000")],
)
def test_labels_are_refused_with_the_cure_and_the_cure_works(door, sets, name, change, found, label):
    """Never read as empty, and never advised to be allowed as such; masks of 0 and 255 beside them stay as they are."""
    plain = door(name)
    assert plain.code == 0, plain.err
    shutil.rmtree(sets / "results", ignore_errors=True)
    change_masks(sets / PLACE[name], change)
    refused = door(name)
    assert refused.code == 2, refused.out
    assert found in refused.error
    assert "--mask-label" in refused.error
    assert "allow_empty_masks" not in refused.error
    cured = door(name, "--mask-label", label)
    assert cured.code == 0, cured.err
    if name == "score":
        assert cured.out.split("# ")[0] == plain.out.split("# ")[0]


def test_predictions_of_labels_are_scored_by_the_same_labels(door, sets):
    """Perfect outlines are perfect, and without the option they are refused and not scored as 0."""
    change_masks(sets / "real", as_labels)
    shutil.copytree(sets / "real/masks", sets / "pred")
    refused = door("score")
    assert (refused.code, refused.out) == (2, "")
    assert "--mask-label" in refused.error
    done = door("score", "--mask-label", "1")
    rows = done.out.splitlines()
    assert [row.split(",")[2] for row in rows if row.startswith("dice@0.5,,")] == ["1.0"]


@DOORS
@pytest.mark.parametrize("turn", [3, 6])
def test_unequal_orientation_is_refused(door, sets, name, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    where = sets / PLACE[name] / ("masks" if name == "score" else "images")
    shutil.copytree(sets / "real/masks", sets / "pred")
    path = min(where.iterdir())
    Image.open(path).save(path, exif=exif)
    done = door(name)
    assert done.code == 2
    assert all(part in done.error for part in (str(path), "EXIF orientation", f"{turn}", "upright")), done.error


@pytest.mark.parametrize("name", ["run", "generator", "evaluate", "score"])
def test_masks_under_another_name_are_pointed_at_and_the_option_works(door, sets, name):
    folder = sets / PLACE[name]
    shutil.copytree(folder / "masks", sets / "originals")
    for path in list((folder / "masks").iterdir()):
        path.rename(path.with_name(f"{path.stem}_mask.png"))
    done = door(name)
    assert done.code == 2
    assert "--mask-suffix" in done.error
    done = door(name, "--mask-suffix", "_mask")
    assert done.code == 0, done.err


@pytest.mark.parametrize("name", ["run", "evaluate"])
def test_patients_under_another_column_are_never_lost(door, sets, name):
    ids = sorted(path.stem for path in (sets / "real/images").iterdir())
    for header, code in (("id,patient_id", 2), ("id, group", 0), ("ID;Group", 0)):
        mark = ";" if ";" in header else ","
        rows = [f"{one}{mark} p{number // 2}" for number, one in enumerate(ids)]
        (sets / "real/manifest.csv").write_text("\n".join([header, *rows, mark]))
        done = door(name)
        assert done.code == code, done.err
        if code:
            assert "patient_id" in done.error


def test_equal_images_in_train_and_test_are_told_and_refused_when_asked(bench, sets):
    """PraNet's layout with one training image in the test set, one unknown test set and superpixels beside images."""
    root = sets / "polyps"
    shutil.copytree(sets / "real", root / "TrainDataset")
    shutil.copytree(sets / "fake", root / "TestDataset/Kvasir")
    shutil.copytree(sets / "fake", root / "TestDataset/Unknown")
    for folder in ("images", "masks"):
        shutil.copy(sets / f"real/{folder}/s003.png", root / f"TestDataset/Kvasir/{folder}/x.png")
    save_png(root / "TrainDataset/images/s001_superpixels.png", np.zeros((4, 4), np.uint8))
    words = ["run", "--generator", "toy-mirror", "--dataset", "polyps", "--data", root, *TOY_METRIC]
    done = bench(*words, "--results", sets / "results")
    assert done.code == 0, done.err
    kept = said(done)
    for text in (done.err, kept):
        assert "Unknown" in text
        assert "s001_superpixels.png" in text
    for text in (done.err, kept, " ".join(done.out.split())):
        assert "1 of 7 images of test/Kvasir" in text
        assert "x is s003" in text
    assert "10 training pairs" in kept
    strict = bench(*words, "--results", sets / "strict", "--strict")
    assert strict.code == 2
    assert "x is s003" in strict.error
    assert not (sets / "strict/store/fit").exists()


@DOORS
def test_a_picture_above_the_limit_is_refused_before_it_is_decoded(door, name):
    done = door(name, "--max-pixels", "500")
    assert done.code == 2
    assert "24x24" in done.error
    assert "--max-pixels" in done.error


def test_a_pair_without_lesion_is_no_label(door, sets):
    """Really empty: then the advice is right."""
    save_png(sets / "real/masks/s000.png", np.zeros((24, 24), np.uint8))
    done = door("run")
    assert done.code == 2
    assert "--set dataset.folder.allow_empty_masks=true" in done.error


@pytest.mark.parametrize("name", ["generator", "evaluate"])
def test_a_synthetic_set_without_any_lesion_is_refused(door, sets, name):
    """Its masks are of another kind than the labels given, or were lost: a training on them says nothing."""
    for path in (sets / "fake/masks").iterdir():
        save_png(path, np.zeros((24, 24), np.uint8))
    done = door(name)
    assert done.code == 2
    assert str(sets / "fake") in done.error
    assert "none of 6 masks" in done.error


def test_a_folder_whose_name_is_not_utf_8_is_refused_in_one_line(bench):
    """As an option's value; names inside a folder are refused where it is listed."""
    done = bench("evaluate", "--real", os.fsdecode("病变".encode("gbk")), "--fake", "x")
    assert done.code == 2
    assert "\\udcb2" in done.error
    assert "not UTF-8" in done.error
