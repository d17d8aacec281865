"""`python -m bench score` as a person with a folder of maps and one of masks meets it."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from bench.images import save_png
from bench.segscores import COUNTS, PER_IMAGE
from tests.e2e.conftest import HEAVY, imported

IDS = [f"s{index:02}" for index in range(9)]


@pytest.fixture
def folders(tmp_path):
    """Nine masks of growing squares, below `truth/masks`, and for each a soft map that misses its first rows."""
    for index, name in enumerate(IDS):
        truth = np.zeros((24, 32), np.uint8)
        truth[2 : 6 + index, 4:20] = 255
        prob = (truth * 0.8).astype(np.uint8) + 20
        prob[:3] = 10
        save_png(tmp_path / "truth/masks" / f"{name}.png", truth)
        save_png(tmp_path / "pred" / f"{name}.png", prob)
    return tmp_path


@pytest.fixture
def score(bench, folders):
    """The command on the two folders; more options may follow."""
    return lambda *more: bench("score", "--pred", folders / "pred", "--truth", folders / "truth", *more)


def numbers(done):
    assert done.code == 0, done.err
    return json.loads(done.out)


def values(done):
    return {(one["metric"], one["stratum"]): one["value"] for one in numbers(done)["scores"]}


def test_a_table_that_explains_itself_in_140_columns(process, folders):
    """Where torch is not installed."""
    done = process("score", "--pred", folders / "pred", "--truth", folders / "truth")
    assert done.code == 0, done.err
    lines = done.out.splitlines()[2:]  # Above stand the two folders, however long their names.
    assert max(map(len, lines)) <= 140
    assert lines[0].split("  ")[0] == "score"
    for name in ("mdice@256 ↑", "dice@0.5 ↑", "dice@0.5-pooled ↑", "mdice@0.5-two-class ↑", "mae ↓", "ece-pooled ↓"):
        assert any(line.startswith(name) for line in lines), name
    assert "  small lesions" in done.out
    assert "--shape-scores" in done.out
    assert "independent" in done.out


def test_nothing_heavy_is_imported(folders):
    assert not set(HEAVY) & imported("score", "--pred", folders / "pred", "--truth", folders / "truth")


def test_json_and_csv_hold_the_same_numbers_in_full_precision(score):
    found = numbers(score("--format", "json"))
    lines = list(csv.DictReader(io.StringIO(score("--format", "csv").out)))
    assert [{name: "" if value is None else str(value) for name, value in one.items()} for one in found["scores"]] == (
        lines
    )
    assert (found["images"], found["groups"], found["alone"], found["empty"]) == (9, 0, 9, 0)
    assert (found["seed"], found["shape"]) == (0, False)
    assert {one["n"] for one in found["scores"] if not one["stratum"]} == {9}
    assert [one["n"] for one in found["scores"] if one["stratum"]] == [3, 3, 3]


def test_hard_masks_are_scored_too(score, folders):
    """A perfect one is 1 at 0.5, and just below it over 256 thresholds."""
    shutil.rmtree(folders / "pred")
    shutil.copytree(folders / "truth/masks", folders / "pred")
    found = values(score("--format", "json"))
    assert found["dice@0.5", ""] == found["iou@0.5-pooled", ""] == 1.0
    assert 0.99 < found["mdice@256", ""] < 1.0
    assert found["ece-pooled", ""] == 0.0


def test_maps_of_the_store_are_scored_where_they_lie(score, folders):
    """Beside them is the record that says how they were made."""
    without = values(score("--format", "json"))
    (folders / "pred" / "record.json").write_text("{}")
    assert values(score("--format", "json")) == without


def test_truth_may_be_the_masks_themselves(bench, score, folders):
    whole = values(score("--format", "json"))
    words = ["score", "--pred", folders / "pred", "--format", "json"]
    assert values(bench(*words, "--truth", folders / "truth/masks")) == whole
    (folders / "truth/masks").rename(folders / "elsewhere")
    assert values(bench(*words, "--truth", folders / "elsewhere")) == whole


def test_groups_widen_the_intervals(score, folders):
    """Named in a manifest beside the masks' folder, and found too where --truth is that folder."""
    alone = numbers(score("--format", "json"))["scores"][0]
    rows = "".join(f"{name},{'early' if index < 5 else 'late'}\n" for index, name in enumerate(IDS))
    (folders / "truth/manifest.csv").write_text("id,group\n" + rows)
    found = numbers(score("--format", "json"))
    grouped = found["scores"][0]
    assert found["groups"] == 2
    assert not any("independent" in note for note in found["notes"])
    assert grouped["value"] == alone["value"]
    assert grouped["high"] - grouped["low"] > alone["high"] - alone["low"]
    words = ["--truth", folders / "truth/masks", "--format", "json"]
    assert numbers(score(*words))["groups"] == 2


def test_groups_of_some_images_only_are_counted_as_they_are_drawn(score, folders):
    """The others stand alone, which is said; and so few draws are too sure of themselves."""
    (folders / "truth/manifest.csv").write_text("id,group\n" + "".join(f"{n},{'a' * (n < 's03')}\n" for n in IDS))
    notes = " ".join(numbers(score("--format", "json"))["notes"])
    assert "1 groups and 6 single images" in notes
    assert "independent" in notes
    assert "fewer than 10 groups" in notes


def test_masks_without_a_lesion_are_counted(score, folders):
    save_png(folders / "truth/masks/s04.png", np.zeros((24, 32), np.uint8))
    assert "1 of 9 masks" in score().out


def test_one_group_has_no_interval(score, folders):
    (folders / "truth/manifest.csv").write_text("id,group\n" + "".join(f"{name},all\n" for name in IDS))
    assert {(one["low"], one["high"]) for one in numbers(score("--format", "json"))["scores"]} == {(None, None)}
    assert "–" in score().out


def test_files_and_seed(score, folders):
    """Tables go where they are told; the same seed draws the same intervals."""
    out, images = folders / "new/scores.json", folders / "new/images.csv"
    done = score("--format", "json", "--out", out, "--per-image", images, "--seed", 3)
    assert (done.code, done.out) == (0, "")
    assert str(out) in done.err
    assert json.loads(out.read_text()) == numbers(score("--format", "json", "--seed", 3))
    assert json.loads(out.read_text())["scores"][0]["low"] != numbers(score("--format", "json"))["scores"][0]["low"]
    rows = list(csv.DictReader(images.open()))
    assert [row["id"] for row in rows] == IDS
    mean = np.mean([float(row["dice@0.5"]) for row in rows])
    assert mean == pytest.approx(values(score("--format", "json"))["dice@0.5", ""])
    assert sum(int(rows[0][name]) for name in ("tp", "fp", "fn", "tn")) == 24 * 32
    assert list(rows[0]) == ["id", "group", *PER_IMAGE, *COUNTS]


def test_endings_of_masks_only(score, folders):
    for name in IDS:
        (folders / f"truth/masks/{name}.png").rename(folders / f"truth/masks/{name}_segmentation.png")
    assert "--mask-suffix" in score().error
    assert score("--mask-suffix", "_segmentation").code == 0


def test_maps_of_another_kind_of_file(score, folders):
    """Single bits, and grey kept as RGB, are the same pixels; hidden files are nobody's."""
    before = values(score("--format", "json"))
    pixels = Image.open(folders / "pred/s00.png")
    pixels.convert("RGB").save(folders / "pred/s00.bmp")
    (folders / "pred/s00.png").unlink()
    mask = Image.open(folders / "truth/masks/s01.png")
    mask.convert("1").save(folders / "truth/masks/s01.png")
    (folders / "pred/._s00.png").write_bytes(b"not an image")
    assert values(score("--format", "json")) == before


def test_shape_scores(score):
    """The four more, on request; an environment that has the libraries."""
    if not all(map(importlib.util.find_spec, ("py_sod_metrics", "monai"))):
        pytest.skip("needs pysodmetrics and monai")
    done = score("--shape-scores")
    assert done.code == 0, done.err
    lines = done.out.splitlines()[2:]
    for name in ("s-measure ↑", "weighted-f ↑", "hd95 ↓", "surface-dice@2px ↑"):
        assert any(line.startswith(name) for line in lines), name
    assert " px " in next(line for line in lines if line.startswith("hd95"))
    assert max(map(len, lines)) <= 140
    assert "Warning" not in done.err


def remove(path):
    path.unlink()


def truncate(path):
    path.write_bytes(path.read_bytes()[:60])


def shrink(path):
    Image.open(path).resize((16, 12)).save(path)


def deepen(path):
    Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16) * 257).save(path)


def float_up(path):
    Image.fromarray(np.asarray(Image.open(path)).astype(np.float32) / 255).save(path.with_suffix(".tif"))
    path.unlink()


def colour(path):
    grey = np.asarray(Image.open(path))
    Image.fromarray(np.stack([grey, grey // 2, grey // 3], 2)).save(path)


def index(path):
    image = Image.fromarray((np.asarray(Image.open(path)) > 127).astype(np.uint8), "P")
    image.putpalette([0, 0, 0, 128, 0, 0])
    image.save(path)


def ones(path):
    Image.fromarray((np.asarray(Image.open(path)) > 127).astype(np.uint8)).save(path)


def twos(path):
    Image.fromarray((np.asarray(Image.open(path)) > 127).astype(np.uint8) * 2).save(path)


def double(path):
    Image.open(path).save(path.with_suffix(".bmp"))


def add(name):
    def act(path):
        Image.open(path).save(path.with_name(name))

    return act


def text(path):
    path.with_name("notes.txt").write_text("trained for 3 epochs")


def array(path):
    np.save(path.with_suffix(".npy"), np.zeros((2, 2)))
    path.unlink()


def folder(path):
    path.with_name("epoch-3").mkdir()


MASK, MAP = "truth/masks/s04.png", "pred/s04.png"


@pytest.mark.parametrize(
    ("path", "act", "parts"),
    [
        (MAP, remove, [MASK, "no prediction s04", "predict every image"]),
        (MASK, remove, [MAP, "no mask s04", "move it away"]),
        (MAP, add("extra.png"), ["pred/extra.png", "no mask extra"]),
        (MASK, add("extra.png"), ["masks/extra.png", "no prediction extra"]),
        (MAP, shrink, [MAP, "16x12", MASK, "32x24", "bring both to one size"]),
        (MASK, shrink, [MAP, "32x24", MASK, "16x12"]),
        (MAP, truncate, [MAP, "not a readable image"]),
        (MASK, truncate, [MASK, "not a readable image"]),
        (MAP, deepen, [MAP, "16", "convert it to 8-bit"]),
        (MASK, deepen, [MASK, "16", "convert it to 8-bit"]),
        (MAP, float_up, ["pred/s04.tif", "pixel mode F", "convert it to 8-bit"]),
        (MAP, colour, [MAP, "colour image", "8-bit grey"]),
        (MASK, colour, [MASK, "colours", "--mask-label", "save lesion as 255"]),
        (MASK, index, [MASK, "palette", "--mask-label", "save lesion as 255"]),
        (MASK, ones, [MASK, "0, 1", "--mask-label 1", "save lesion as 255"]),
        (MASK, twos, [MASK, "0, 2", "--mask-label 2", "save lesion as 255"]),
        (MAP, double, ["pred/s04.png", "s04.bmp has the same stem"]),
        (MASK, double, [MASK, "s04.bmp has the same stem"]),
        (MAP, text, ["pred/notes.txt", "no image by its name"]),
        (MASK, text, ["masks/notes.txt", "no image by its name"]),
        (MAP, array, ["pred/s04.npy", "no image by its name", "convert it"]),
        (MAP, folder, ["pred/epoch-3", "is a folder"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_a_bad_file_is_named_and_nothing_is_skipped(score, folders, path, act, parts):
    """One line, exit code 2, and no table."""
    act(folders / path)
    done = score()
    assert (done.code, done.out) == (2, "")
    assert all(str(part) in done.error for part in parts), done.error


def test_how_many_more_is_told(score, folders):
    for name in IDS[:3]:
        (folders / f"pred/{name}.png").unlink()
    assert "s00.png" in score().error
    assert "(and 2 more)" in score().error


def test_maps_of_zero_and_one_are_refused_together(score, folders):
    """A single map that is nearly black everywhere is a prediction like any other."""
    ones(folders / "pred/s00.png")
    assert score().code == 0
    for name in IDS:
        ones(folders / f"pred/{name}.png")
    assert "probability 1 is 255" in score().error


@pytest.mark.parametrize(
    ("manifest", "parts"),
    [
        ("id,group\ns00,a\n", ["s01", "has no row"]),
        ("id,group\n" + "".join(f"{name},a\n" for name in (*IDS, "s99")), ["s99", "has no image"]),
        ("name,group\ns00,a\n", ["no column id"]),
    ],
)
def test_a_manifest_that_does_not_fit(score, folders, manifest, parts):
    (folders / "truth/manifest.csv").write_text(manifest)
    done = score()
    assert done.code == 2
    assert all(part in done.error for part in ("manifest.csv", *parts)), done.error


def test_words_that_do_not_fit(bench, folders):
    """Refused before anything is scored."""
    (folders / "empty").mkdir()
    pred, truth = ["--pred", folders / "pred"], ["--truth", folders / "truth"]
    for words, parts in (
        ([*pred, "--truth", "nowhere"], ["--truth nowhere", "no such folder"]),
        (["--pred", "nowhere", *truth], ["--pred nowhere", "no such folder"]),
        (["--pred", folders / "pred/s00.png", *truth], ["--pred", "no such folder"]),
        (["--pred", folders / "empty", *truth], ["empty", "holds no image"]),
        ([*pred, "--truth", folders / "empty"], ["empty", "holds no image"]),
        (pred, ["--truth", "python -m bench score --help"]),
        ([*pred, *truth, "--format", "html"], ["--format", "'json'"]),
        ([*pred, *truth, "--out", folders], ["--out", "is a folder; name a file"]),
        ([*pred, *truth, "--per-image", folders], ["--per-image", "is a folder; name a file"]),
        ([*pred, *truth, "--out", folders / "pred/s00.png/a"], ["--out", "s00.png: is a file; name a folder"]),
        ([*pred, *truth, "--out", folders / "a", "--per-image", folders / "a"], ["one file for both"]),
        ([*pred, *truth, "--seed", "-1"], ["--seed", "0 or more"]),
        ([*pred, *truth, "--per-imag", folders / "a"], ["--per-imag", "did you mean --per-image?"]),
    ):
        done = bench("score", *words)
        assert (done.code, done.out) == (2, ""), done
        assert all(part in done.error for part in parts), done.error
