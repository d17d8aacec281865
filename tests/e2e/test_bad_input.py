"""Whatever a user gets wrong is answered by one line that names it and says what to do; exit code 2, no traceback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import PLUGINS, make_pairs
from tests.e2e.conftest import HANGS, ROOT, TOY_RUN, made, made_since

RUN = ["run", "--generator", "copy-paste", "--dataset", "phantom"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["rum"], ["'rum'", "did you mean run?"]),
        (["run", "--generator", "copy-past", "--dataset", "phantom"], ["generator 'copy-past'", "copy-paste?"]),
        (["run", "--generator", "copy-paste", "--dataset", "polips"], ["dataset 'polips'", "did you mean polyps?"]),
        ([*RUN, "--metric", "fidd"], ["metric 'fidd'", "did you mean fid?"]),
        ([*RUN, "--segmenter", "u-net"], ["segmenter 'u-net'", "did you mean unet?"]),
        ([*RUN, "--profile", "dmeo"], ["--profile dmeo", "did you mean demo?"]),
        ([*RUN, "--metrc", "fid"], ["--metrc", "did you mean --metric?"]),
        ([*RUN, "fid"], ["fid", "python -m bench run --help"]),
        (["run", "--dataset", "phantom"], ["--generator", "python -m bench run --help"]),
        ([*RUN, "--masks", "randon"], ["--masks", "'random'"]),
        ([*RUN, "--set", "phantom.trian=6"], ["--set phantom.trian=6", "did you mean train?"]),
        ([*RUN, "--set", "fantom.train=6"], ["--set fantom.train=6", "did you mean phantom?"]),
        ([*RUN, "--set", "phantom.train"], ["--set phantom.train", "NAME.field=value"]),
        ([*RUN, "--set", "phantom.train=six"], ["--set phantom.train=six", "expected int"]),
        ([*RUN, "--set", "phantom.train=1.5"], ["--set phantom.train=1.5", "expected int"]),
        ([*RUN, "--set", "phantom.train=2"], ["--set phantom.train=2", "3 <= value"]),
        (["run", "--generator", "siamese", *RUN[3:], "--set", "siamese.lr=1e400"], ["siamese.lr=1e400", "finite"]),
        (["run", "--generator", "siamese", *RUN[3:], "--set", "siamese.lr=inf"], ["siamese.lr=inf", "finite"]),
        ([*RUN, "--set", "siamese.steps=3"], ["--set siamese.steps=3", "not part of this run"]),
        ([*RUN, "--set", "generator.folder.path=x"], ["generator folder is not part of this run"]),
        ([*RUN, "--repeats", "0"], ["--repeats", "1 <= value"]),
        ([*RUN, "--seed", "-1"], ["--seed", "0 <= value"]),
        ([*RUN, "--repeats", "two"], ["--repeats", "'two'"]),
        ([*RUN, "--repeats", "100000000"], ["--repeats", "<= 1000"]),
        ([*RUN, "--vary", "noise"], ["--vary", "'noise'"]),
        ([*RUN, "--margin", "0"], ["--margin", "out of range"]),
        ([*RUN, "--seeds", "2", "--repeats", "2"], ["--seeds", "--vary segmenter"]),
        ([*RUN, "--seed", "1.5"], ["--seed", "'1.5'"]),
        ([*RUN, "--num-workers", "-1"], ["--num-workers", "0 or more"]),
        ([*RUN, "--device", "gpu"], ["--device gpu", "auto"]),
        ([*RUN, "--plugin", "nowhere.py"], ["--plugin nowhere.py", "no such file"]),
        ([*RUN, "--data", "nowhere"], ["--data nowhere", "leave --data out"]),
        (["run", "--generator", "copy-paste", "--dataset", "folder"], ["dataset folder needs --data DIR"]),
        (["run", "--generator", "folder", "--dataset", "phantom"], ["--set generator.folder.path=DIR"]),
        (["show", "copy-past"], ["'copy-past'", "copy-paste?"]),
        (["list", "generatorz"], ["generatorz", "did you mean generators?"]),
        (["leaderboard", "--format", "html"], ["--format", "'markdown'"]),
        (["doctor", "--data", "nowhere"], ["--data nowhere", "no such folder"]),
    ],
)
def test_words_nobody_knows(bench, tmp_path, words, parts):
    """Refused before anything is written."""
    toys = TOY_RUN[2:] if words[0] == "run" else []
    results = ["--results", tmp_path / "results"] if words[0] in ("run", "leaderboard", "doctor") else []
    toys = [] if {"fidd", "u-net"} & set(words) else toys
    done = bench(*words[:1], *toys, *words[1:], *results)
    assert done.code == 2, done
    assert all(part in done.error for part in parts), done.error
    assert not list((tmp_path / "results").rglob("*.png"))


def test_a_device_that_is_not_here_is_refused_before_anything_is_made(bench, tmp_path):
    """Not even the images of a generated dataset."""
    done = bench(*RUN[:1], *TOY_RUN, *RUN[1:], "--device", "cuda:99", "--results", tmp_path / "results")
    assert (done.code, "--device cuda:99" in done.error) == (2, True)
    assert not made(tmp_path / "results")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:", "CUDA", "auto:1", ""])
def test_a_name_that_no_torch_knows_is_refused_without_asking_it(bench, monkeypatch, tmp_path, name):
    """Where torch cannot be imported at all, and before the options that come after it are looked at."""
    monkeypatch.setitem(sys.modules, "torch", None)
    done = bench("run", "--generator", "nobody", *RUN[3:], "--device", name, "--results", tmp_path / "results")
    assert (done.code, "torch knows no such device" in done.error) == (2, True)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def resize(path: Path) -> None:
    Image.open(path).resize((12, 16)).save(path)


def blacken(path: Path) -> None:
    Image.fromarray(np.zeros((24, 24), np.uint8)).save(path)


def deepen(path: Path) -> None:
    Image.fromarray(np.full((24, 24), 40_000, np.uint16)).save(path)


def duplicate(path: Path) -> None:
    Image.open(path).save(path.with_suffix(".jpg"))


BROKEN = [
    pytest.param("mask", os.remove, "image", ["no mask of that name", "add or remove"], id="no-mask"),
    pytest.param("image", os.remove, "mask", ["no image of that name", "add or remove"], id="no-image"),
    pytest.param("mask", resize, "mask", ["24x24 and 12x16", "bring both to one size"], id="sizes"),
    pytest.param("image", truncate, "image", ["not a readable image", "replace or remove"], id="truncated"),
    pytest.param(
        "image", lambda path: path.write_text("hello"), "image", ["not a readable image", "replace"], id="no-picture"
    ),
    pytest.param(
        "mask", lambda path: path.write_bytes(b""), "mask", ["not a readable image", "replace"], id="zero-bytes"
    ),
    pytest.param("mask", blacken, "mask", ["no lesion", "allow_empty_masks=true"], id="no-lesion"),
    pytest.param("image", deepen, "image", ["8-bit", "convert"], id="16-bit"),
    pytest.param("image", duplicate, "image", ["same stem", "remove one"], id="two-of-one-name"),
]


@pytest.mark.parametrize(("victim", "damage", "named", "parts"), BROKEN)
def test_broken_pairs(toy_run, discs, tmp_path, victim, damage, named, parts):
    pair = {"image": discs / "images" / "s004.png", "mask": discs / "masks" / "s004.png"}
    damage(pair[victim])
    done = toy_run()
    assert done.code == 2, done
    assert str(pair[named]) in done.error
    assert all(part in done.error for part in parts), done.error
    assert not list((tmp_path / "results" / "store").glob("fit/*"))


def test_broken_pairs_lose_nothing(toy_run, discs, tmp_path):
    """What an earlier run finished is still there when the picture has been put back."""
    assert toy_run().code == 0
    image = discs / "images" / "s004.png"
    whole = image.read_bytes()
    image.write_bytes(whole[:50])
    assert toy_run().code == 2
    image.write_bytes(whole)
    before = made(tmp_path / "results")
    assert toy_run().code == 0
    assert not made_since(before, tmp_path / "results")


def test_masks_without_foreground_are_allowed_by_the_named_option(toy_run, discs):
    """The option of the error message, with the dataset's own name, works."""
    blacken(discs / "masks" / "s004.png")
    refused = toy_run()
    option = refused.error.split("--set ")[1].replace("NAME", "folder")
    done = toy_run("--set", option)
    assert done.code == 0, done.err
    assert "no lesion" not in done.err


BAD_FILES = [
    pytest.param("siamese.base", ["1 of", "not finite", "unet"], id="base"),
    pytest.param("unet.weights", ["holds no tensors by name"], id="segmenter"),
]


@pytest.mark.parametrize(("field", "parts"), BAD_FILES)
def test_a_bad_file_of_weights_is_told_before_anything_is_trained(bench, discs, tmp_path, field, parts):
    """By a dry run too. Fitting and controls would come first."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    from safetensors.torch import load_file, save_file

    path = tmp_path / "bad"
    if field == "siamese.base":
        shutil.copytree(ROOT / "generators/diffusion/base_model/tiny", path)
        (weights,) = (path / "unet").glob("*.safetensors")
        state = load_file(weights)
        save_file({**state, "conv_in.bias": state["conv_in.bias"] * torch.nan}, weights)
    else:
        torch.save({"epoch": 3}, path)
    words = ["run", *TOY_RUN, "--dataset", "folder", "--data", discs, "--set", f"{field}={path}"]
    words += ["--segmenter" if field == "unet.weights" else "--generator", field.partition(".")[0]]
    for more in ([], ["--dry-run"]):
        done = bench(*words, *more, "--results", tmp_path / "results")
        assert done.code == 2
        assert all(part in done.err for part in (str(path), *parts)), done.err
        assert {place.name for place in (tmp_path / "results/store").iterdir()} <= {"check"}


def test_evaluate_tells_a_bad_file_of_weights_before_it_looks_at_an_image(bench, discs, tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"epoch": 3}, tmp_path / "bad.pth")
    words = ["evaluate", "--real", discs, "--fake", discs, "--metric", "alignment", "--segmenter", "unet"]
    done = bench(*words, "--set", f"unet.weights={tmp_path / 'bad.pth'}", "--results", tmp_path / "results")
    assert done.code == 2
    assert "bad.pth" in done.err
    assert {name.partition("/")[0] for name in made(tmp_path / "results")} <= {"check"}


def test_a_missing_data_folder(bench, tmp_path):
    done = bench("run", *TOY_RUN, "--dataset", "polyps", "--data", tmp_path / "no", "--results", tmp_path / "r")
    assert done.code == 2
    assert f"--data {tmp_path / 'no'}: no such folder; name" in done.error


def test_a_data_folder_of_another_layout(bench, tmp_path, discs):
    for dataset, part in (("polyps", "TrainDataset"), ("isic2018", "ISIC2018_Task1-2_Training_Input")):
        done = bench("run", *TOY_RUN, "--dataset", dataset, "--data", discs, "--results", tmp_path / "r")
        assert done.code == 2
        assert f"--data {discs}" in done.error
        assert part in done.error


@pytest.mark.parametrize("dataset", ["folder", "polyps"])
def test_a_data_folder_with_one_pair(bench, tmp_path, dataset):
    data = tmp_path / "one"
    make_pairs(data / "TrainDataset" if dataset == "polyps" else data, 1)
    make_pairs(data / "TestDataset" / "Kvasir", 2)
    done = bench("run", *TOY_RUN, "--dataset", dataset, "--data", data, "--results", tmp_path / "r")
    assert done.code == 2
    assert str(data) in done.error
    assert "1 " in done.error
    assert "needed" in done.error


def test_a_results_folder_that_cannot_be_made(bench, discs, tmp_path):
    """Below a regular file: the one refusal that holds for root too."""
    (tmp_path / "file").write_text("x")
    done = bench("run", *TOY_RUN, "--dataset", "folder", "--data", discs, "--results", tmp_path / "file" / "results")
    assert done.code == 2
    assert str(tmp_path / "file") in done.error
    assert "--results" in done.error


def test_a_read_only_results_folder(bench, discs, tmp_path):
    """Where permissions bind: not for root."""
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    if os.access(locked, os.W_OK):
        pytest.skip("permissions do not bind this user; tests/unit/engine/test_runner.py raises the error itself")
    done = bench("run", *TOY_RUN, "--dataset", "folder", "--data", discs, "--results", locked / "results")
    assert done.code == 2
    assert str(locked) in done.error
    assert "--results" in done.error


def test_tables_that_cannot_be_written(toy_run, bench, tmp_path):
    """A file in the place of the folder is seen before the work, a folder in the place of the file too."""
    (tmp_path / "file").write_text("x")
    done = toy_run("--out", tmp_path / "file")
    assert done.code == 2
    assert f"--out {tmp_path / 'file'}" in done.error
    assert not (tmp_path / "results").exists()
    done = toy_run("--out", tmp_path / "file" / "tables")
    assert done.code == 2
    assert "Not a directory" in done.error
    assert not (tmp_path / "results").exists()
    assert toy_run().code == 0
    shown = bench("leaderboard", "--results", tmp_path / "results", "--out", tmp_path)
    assert shown.code == 2
    assert f"--out {tmp_path}" in shown.error


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], capture_output=True)
    if made.returncode != 0:
        pytest.skip("mounting is not permitted; tests/unit/engine/test_runner.py raises the error itself")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk(bench, tmp_path, small_disk):
    """One line; what was finished stays, and with more room the same command goes on from there."""
    make_pairs(tmp_path / "data", 60)
    words = ["run", *TOY_RUN, "--dataset", "folder", "--data", tmp_path / "data", "--results", small_disk / "results"]
    done = bench(*words)
    assert done.code == 2, done
    assert "No space left on device" in done.error
    assert "--results" in done.error
    kept = {
        path.parent for path in (small_disk / "results" / "store").rglob("record.json") if ".partial" not in str(path)
    }
    assert kept
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    again = bench(*words)
    assert again.code == 0, again.err
    assert kept <= {path.parent for path in (small_disk / "results" / "store").rglob("record.json")}


def test_a_disk_that_fills_up_within_a_file_of_features(pairs, tmp_path, small_disk):
    """Its first bytes have room: the line is the same."""
    from bench.contracts import Context, Extractor, Network, NoParams
    from bench.engine.actions import perform
    from bench.engine.job import Job
    from bench.files.atomic import storage_error
    from bench.plan.actions import Features
    from bench.plan.stage import DATA, Ref
    from bench.plugins.resolved import ResolvedPlugin
    from bench.store.artefacts import Store, Workspace

    class Wide(Extractor, Network):
        """400 kB an image."""

        version, dim = 1, 100_000
        label, backbone, resize, sha256 = "Wide", "none", "none", "0" * 64

        def open(self, ctx):
            return self

        def features(self, images):
            return np.ones((len(images), self.dim), np.float32)

    chosen = ResolvedPlugin(
        kind="extractor", name="wide", plugin=Wide(NoParams()), identity={"name": "wide", "version": 1}
    )
    stage = Features(label="features", extractor=chosen, of=Ref(DATA, "d"))
    workspace = Workspace(small_disk, tmp_path)
    job = Job(store=Store(tmp_path), splits={"d": pairs(1)}, workspace=workspace, ctx=Context(seed=0, workdir=tmp_path))
    with pytest.raises(OSError, match="No space left on device") as caught:
        perform(stage, job)
    assert storage_error(caught.value, small_disk)


def test_no_run_to_show(bench, tmp_path):
    done = bench("leaderboard", "--results", tmp_path)
    assert done.code == 2
    assert f"{tmp_path / 'runs'}: no run to show" in done.error
    assert "python -m bench run" in done.error


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[generator.siames]\nsteps = 3\n", ["[generator.siames]", "did you mean siamese?"]),
        ("[generator.copy-paste]\nsteps = 3\n", ["generator.copy-paste.steps", "unknown field"]),
        ("[run]\nmetrics = 'fid'\n", ["run.metrics", "a list of names"]),
        ("[run]\nmasks = 'randon'\n", ["run.masks", "did you mean random?"]),
        ("[run]\nrepeats = 0\n", ["run.repeats", "1 <= value"]),
        ("generator = 3\n", ["generator", "[generator.NAME]"]),
    ],
)
def test_a_profile_with_a_mistake(bench, tmp_path, text, parts):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    done = bench(*RUN, *TOY_RUN[2:], "--profile", path, "--results", tmp_path / "r")
    assert done.code == 2
    assert all(part in done.error for part in ["mine", *parts]), done.error


def test_a_plugin_file_that_cannot_be_imported(bench, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import a_package_nobody_has\n")
    done = bench("list", "--plugin", path)
    assert done.code == 2
    assert f"--plugin {path}: line 1: " in done.error
    assert "'a_package_nobody_has'" in done.error


def test_absent_packages_are_named(bench, discs, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text((PLUGINS / "toy_mirror.py").read_text().replace("version = 1", "version = 1; requires = ('nix',)"))
    words = ["--plugin", path, "--generator", "mine", "--dataset", "folder", "--data", discs, "--results", tmp_path]
    done = bench("run", *TOY_RUN, *words)
    assert done.code == 2
    assert all(part in done.error for part in ("generator mine", "nix", "pip install"))


def test_a_dry_run_without_the_synthetic_set_plans_the_rest(bench, tmp_path):
    """What is missing is told, and the plan stands below."""
    words = ["--generator", "folder", "--set", f"generator.folder.path={tmp_path / 'no'}", "--dataset", "phantom"]
    words += ["--set", "phantom.size=32", "--set", "phantom.train=6", "--set", "phantom.test=2"]
    done = bench("run", *words, *TOY_RUN[2:], "--dry-run", "--results", tmp_path / "r")
    assert done.code == 0, done.err
    assert f"missing: generator folder: {tmp_path / 'no' / 'images'}: no such folder" in done.out
    assert " train toy-threshold on real+folder " in done.out


@pytest.mark.slow
def test_a_truncated_checkpoint(command, discs, tmp_path):
    """Killed between two epochs, its checkpoints cut short: they are named and the training begins anew."""
    pytest.importorskip("torch")
    toys = ["--plugin", PLUGINS / "toy_mean.py", "--metric", "toy-mean", "--generator", "copy-paste", "--rows", "real"]
    tiny = [word for text in ("size=32", "width=4", "epochs=400") for word in ("--set", f"unet.{text}")]
    words = command("run", *toys, *tiny, "--dataset", "folder", "--data", discs, "--results", tmp_path / "r",
                    "--device", "cpu")  # fmt: skip
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    checkpoint = wait_for(tmp_path / "r", ".*.partial/work/checkpoint-*.pt")
    process.send_signal(signal.SIGKILL)
    process.wait()
    checkpoints = list(checkpoint.parent.glob("checkpoint-*.pt"))
    for path in checkpoints:
        path.write_bytes(path.read_bytes()[:1000])
    made = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    for path in checkpoints:
        assert f"{path}: checkpoint damaged" in made.stderr
    assert "training begins anew" in made.stderr


def wait_for(results: Path, pattern: str) -> Path:
    deadline = time.monotonic() + HANGS
    while not (found := list(results.glob(f"store/train/{pattern}"))):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found[0]


def test_a_truncated_model_is_never_loaded(toy_run, tmp_path):
    """A finished model is checked against its record before any stage opens it."""
    assert toy_run().code == 0
    path = next((tmp_path / "results" / "store" / "train").glob("[!.]*/model.json"))
    path.write_bytes(path.read_bytes()[:5])
    shutil.rmtree(tmp_path / "results" / "store" / "predict")
    done = toy_run()
    assert done.code == 2
    assert str(path) in done.error
    assert f"delete {path.parent}" in done.error


def test_a_results_folder_that_cannot_be_is_named(bench, discs, tmp_path):
    """A file, and a link to a disk that is not there."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "disk")
    for name in ("file", "link"):
        for words in (["evaluate", "--real", discs, "--fake", discs], ["run", *TOY_RUN, "--dataset", "phantom"]):
            done = bench(*words, "--results", tmp_path / name)
            assert done.code == 2
            assert done.error.startswith(f"bench: --results {tmp_path / name}: ")


def test_a_profile_that_asks_for_nothing_is_refused(bench, tmp_path):
    (tmp_path / "empty.toml").write_text("")
    words = ["--generator", "copy-paste", "--dataset", "phantom", "--profile", tmp_path / "empty.toml"]
    done = bench("run", *words, "--results", tmp_path / "results")
    assert done.code == 2
    assert "no metric and no segmenter" in done.error
