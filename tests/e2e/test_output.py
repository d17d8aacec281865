"""What is printed and written fits the place: any encoding, any reader, any text from outside."""

import csv
import io
import json
import os
import re
import shlex
import subprocess

import pytest

from bench import cli
from tests.conftest import PLUGINS
from tests.e2e.conftest import ROOT, TOY_RUN

ACTS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e\u2066]")


@pytest.fixture
def words(command, discs, tmp_path):
    """A run of toys on the ten pairs, to be started otherwise than by `toy_run`."""
    return command("run", *TOY_RUN, "--dataset", "folder", "--data", discs, "--results", tmp_path / "results")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_without_arrows(words, without_torch, tmp_path, encoding):
    """The tables are there, and what has no letter is a question mark."""
    env = {**without_torch, "PYTHONIOENCODING": encoding}
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "mdice@256 ?" in done.stdout.decode(encoding)
    assert b"Traceback" not in done.stderr
    (board,) = (tmp_path / "results" / "tables").glob("*/leaderboard.md")
    assert "↑" in board.read_text(encoding="utf-8")


def test_tables_are_written_before_they_are_printed(toy_run, command, without_torch, tmp_path):
    """What is printed finds a full disk."""
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    results = tmp_path / "results"
    assert toy_run().code == 0
    words = ["leaderboard", "--results", results, "--per-image", tmp_path / "images.csv"]
    env = {name: value for name, value in without_torch.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:
        done = subprocess.run(command(*words), cwd=ROOT, env=env, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("bench: <stdout>: No space left on device")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "images.csv").is_file()


def test_a_run_whose_reader_has_gone_is_finished(words, without_torch, tmp_path):
    """Nobody reads any more, neither results nor how it goes: the work is done all the same."""
    line = f"{shlex.join(words)} 2>&1 | true; exit ${{PIPESTATUS[0]}}"
    assert subprocess.run(["bash", "-c", line], cwd=ROOT, env=without_torch).returncode == 0
    assert list((tmp_path / "results" / "tables").glob("*/scores.csv"))


HOSTILE = "=1+1\x1b]0;title\x07|<b>](x)\u202e"
SHOWN = r"=1+1\x1b]0;title\x07|<b>](x)\u202e"


@pytest.fixture
def hostile(discs):
    """The ten pairs in groups of a name that would act everywhere, below a folder of another such name."""
    rows = [
        ["id", "group"],
        *([path.stem, f"{HOSTILE}{int(path.stem[1:]) // 2}"] for path in (discs / "masks").iterdir()),
    ]
    with (discs / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return discs.rename(discs.with_name("-x\x1b]0;t\x07"))


def test_no_text_from_outside_acts_anywhere(bench, hostile, tmp_path):
    results = tmp_path / "results"
    words, out = ["run", *TOY_RUN, "--dataset", "folder", "--data", hostile], tmp_path / "\x1btables"
    done = bench(*words, "--results", results, "--out", out)
    assert done.code == 0, done.err
    assert r"\x1btables" in done.out
    written = {path.name: path.read_text(encoding="utf-8") for path in out.iterdir()}
    for text in (done.out, done.err, *written.values()):
        assert not ACTS.search(text)
    groups = {row["group"] for row in csv.DictReader(io.StringIO(written["per_image.csv"]))}
    assert all(group.startswith(f"'{SHOWN}") for group in groups)
    assert bench("leaderboard", "--results", results, "--per-image", tmp_path / "again.csv").code == 0
    assert (tmp_path / "again.csv").read_text(encoding="utf-8") == written["per_image.csv"]


def test_errors_show_file_names_escaped(bench, hostile, tmp_path):
    (hostile / "images" / "s000.png").write_bytes(b"no picture")
    done = bench("run", *TOY_RUN, "--dataset", "folder", "--data", hostile, "--results", tmp_path / "results")
    assert done.code == 2
    assert r"-x\x1b]0;t\x07/images/s000.png: " in done.error
    assert not ACTS.search(done.out + done.err)


def test_json_and_table_of_an_evaluation_show_names_escaped(bench, hostile, tmp_path):
    words = ["evaluate", "--real", hostile, "--fake", hostile, "--results", tmp_path / "results"]
    words += ["--plugin", PLUGINS / "toy_mean.py", "--metric", "toy-mean", "--format"]
    found = {form: bench(*words, form) for form in ("json", "csv", "table", "latex")}
    for form, done in found.items():
        assert done.code == 0, done.err
        assert not ACTS.search(done.out + done.err), form
    assert json.loads(found["json"].out)["real"]["folder"] == str(hostile)
    assert next(csv.DictReader(io.StringIO(found["csv"].out)))["set"] == r"'-x\x1b]0;t\x07"


@pytest.fixture
def chatty(tmp_path):
    """The toy metric, which prints as it is imported and as it works."""
    path = tmp_path / "toy_mean.py"
    text = (PLUGINS / "toy_mean.py").read_text()
    assert text.count("        assert real.features is not None\n") == 1
    text = text.replace("        assert real.features is not None\n", "        print('loud work')\n")
    path.write_text(f"{text}\nprint('loud import')\n")
    return path


READERS = {"json": json.loads, "csv": lambda text: list(csv.DictReader(io.StringIO(text)))}


@pytest.mark.parametrize("form", READERS)
def test_what_a_plugin_prints_is_in_no_result(bench, process, discs, chatty, tmp_path, form):
    """In this process and in one of its own; the error stream has it."""
    for place, start in (("here", bench), ("there", process)):
        words = ["evaluate", "--real", discs, "--fake", discs, "--results", tmp_path / place]
        done = start(*words, "--plugin", chatty, "--metric", "toy-mean", "--format", form)
        assert done.code == 0, done.err
        assert "loud" not in done.out
        assert READERS[form](done.out)
        assert {"loud import", "loud work"} <= set(done.lines)


def test_what_a_plugin_prints_is_in_no_list_and_help_is_a_result(bench, chatty):
    done = bench("list", "metrics", "--plugin", chatty)
    assert "toy-mean" in done.out
    assert "loud" not in done.out
    assert "loud import" in done.lines
    done = bench("evaluate", "--help")
    assert done.out.startswith("usage: ")
    assert done.err == ""


def test_standard_output_is_given_back(capsys):
    """To whoever calls the command from Python, also where it fails."""
    for word, code in (("--version", 0), ("nothing", 2)):
        assert cli.run([word]) == code
        print("mine")
        assert capsys.readouterr().out.endswith("mine\n")
