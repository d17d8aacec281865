"""Killed, interrupted, doubled, failed and damaged runs: nothing is lost and nothing is computed twice."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bench.files.atomic import HOST
from tests.conftest import make_pairs
from tests.e2e.conftest import HANGS, ROOT, TOY_RUN, Bench, Done, listen_to_interrupts, made

COUNTING = '''
"""A generator that writes down what it does, and stops at the third image while a file `pause` is there."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.contracts import Generator, param
from bench.images import load_rgb, save_png


@dataclass(frozen=True)
class Params:
    log: str = param("", "file that receives a line for each piece of work", key=False)


class Counting(Generator):
    """Negatives of the training images."""

    version = 1
    Params = Params

    def fit(self, train, model_dir, ctx):
        self.note("fit")
        (model_dir / "model.txt").write_text(str(len(train)))

    def sample(self, conditions, model_dir, out, ctx):
        for number, sample in enumerate(conditions):
            path = out / "images" / f"{sample.id}.png"
            if path.exists():
                continue
            if number == 2:
                self.note("third")
                while Path(self.params.log).with_name("pause").exists():
                    time.sleep(0.02)
            save_png(path, 255 - load_rgb(sample.image))
            self.note(f"image {sample.id}")

    def note(self, line):
        with open(self.params.log, "a") as stream:
            stream.write(line + "\\n")
'''


class Work:
    """A run of the counting generator: start it, wait for a line of its log, read what was done."""

    def __init__(self, folder: Path, bench: Bench, command, env) -> None:
        self.folder, self._bench, self._command, self._env = folder, bench, command, env
        (folder / "counting.py").write_text(COUNTING)
        make_pairs(folder / "data", 10)
        self.log, self.pause, self.results = folder / "log", folder / "pause", folder / "results"
        self.log.touch()

        self._words = ["run", *TOY_RUN, "--plugin", folder / "counting.py", "--generator", "counting",
                       "--set", f"counting.log={self.log}", "--dataset", "folder", "--data", folder / "data",
                       "--results", self.results]  # fmt: skip

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command(*self._words), cwd=ROOT, env=self._env, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=listen_to_interrupts,
        )  # fmt: skip

    def finish(self, process: subprocess.Popen[str]) -> Done:
        out, err = process.communicate(timeout=HANGS)
        return Done(process.returncode, out, err)

    def again(self) -> Done:
        """The same command to its end, in the tests' own process: what was stopped was another one."""
        return self._bench(*self._words)

    def wait_for(self, line: str) -> None:
        deadline = time.monotonic() + HANGS
        while line not in self.done():
            assert time.monotonic() < deadline, self.done()
            time.sleep(0.02)

    def done(self) -> list[str]:
        return self.log.read_text().splitlines()

    def paused(self) -> subprocess.Popen[str]:
        self.pause.touch()
        process = self.start()
        self.wait_for("third")
        return process


@pytest.fixture
def work(tmp_path, bench, command, without_torch):
    return Work(tmp_path, bench, command, without_torch)


def once(lines: list[str]) -> bool:
    """Every image and every training was made exactly once."""
    made = [line for line in lines if line != "third"]
    return len(made) == len(set(made)) == 1 + 6


def test_a_killed_run_resumes_by_the_same_command(work):
    """Finished stages stay, the unfinished one goes on behind its last image, and the output is that of a run that was
    never killed."""
    process = work.paused()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = made(work.results)
    assert any(name.startswith("fit/") for name in before)
    assert not list(work.results.glob("tables"))
    assert sum(line.startswith("image") for line in work.done()) == 2
    work.pause.unlink()
    again = work.again()
    assert again.code == 0, again.err
    assert once(work.done())
    assert before.items() <= made(work.results).items()
    assert not list(work.results.rglob("*.partial"))
    shutil.rmtree(work.results)
    assert work.again().out == again.out


def test_an_interrupted_run_says_how_to_go_on(work):
    process = work.paused()
    process.send_signal(signal.SIGINT)
    done = work.finish(process)
    assert done.code == 130
    assert done.error == "bench: interrupted; the same command resumes"
    work.pause.unlink()
    assert work.again().code == 0
    assert once(work.done())


def test_two_runs_at_once_share_the_work(work):
    """The second waits for the stage that the first one computes, then takes it."""
    first = work.paused()
    second = work.start()
    assert second.stderr is not None
    seen = ""
    while "waiting for another run" not in seen:
        line = second.stderr.readline()
        assert line, seen
        seen += line
    work.pause.unlink()
    one, two = work.finish(first), work.finish(second)
    assert (one.code, two.code) == (0, 0), one.err + two.err
    assert one.out == two.out
    assert once(work.done())


@pytest.mark.slow
def test_two_runs_started_together_do_no_harm(work):
    processes = [work.start(), work.start()]
    done = [work.finish(process) for process in processes]
    assert [one.code for one in done] == [0, 0], done
    assert once(work.done())
    assert done[0].out == done[1].out
    assert not list(work.results.rglob("*.partial"))


def test_a_crash_of_a_plugin_keeps_what_does_not_need_it(toy_run, tmp_path):
    """Exit code 1, the traceback in the log alone, nothing of the stage in the store, the other rows in the table."""
    done = toy_run("--set", "toy-mirror.style=buggy")
    assert done.code == 1
    assert re.search(r"sample toy-mirror: \S+: line \d+: ZeroDivisionError: a bug of the plugin", done.error)
    log = next((tmp_path / "results" / "logs").iterdir())
    assert str(log) in done.error
    assert 'raise ZeroDivisionError("a bug of the plugin")' in log.read_text()
    assert "copy-paste" in done.out
    assert "toy-mirror" not in done.out.split("* ")[0]
    assert len(stored(tmp_path, "sample")) == 1


def test_a_mistake_of_the_user_exits_with_two(toy_run, tmp_path):
    done = toy_run("--set", "toy-mirror.style=broken")
    assert done.code == 2
    assert "set another style" in done.error
    assert not any("Traceback" in path.read_text() for path in (tmp_path / "results" / "logs").iterdir())
    assert len(stored(tmp_path, "sample")) == 1


def test_incomplete_pairs_of_a_plugin_are_refused(toy_run, tmp_path):
    done = toy_run("--set", "toy-mirror.style=lazy")
    assert done.code == 2
    assert "toy-mirror" in done.error
    assert "first s0" in done.error
    assert len(stored(tmp_path, "sample")) == 1


def stored(tmp_path: Path, action: str) -> list[Path]:
    """Finished artefacts; what a dot hides is a lock or an unfinished workspace."""
    return [path for path in (tmp_path / "results" / "store" / action).iterdir() if path.name[0] != "."]


def a_file(tmp_path: Path, action: str, pattern: str) -> Path:
    return sorted((tmp_path / "results" / "store" / action).glob(f"[!.]*/{pattern}"))[0]


@pytest.mark.parametrize(
    ("action", "pattern"),
    [("sample", "images/*.png"), ("train", "model.json"), ("features", "features.npy"), ("segscore", "per_image.csv"),
     ("score", "scores.json")],
)  # fmt: skip
def test_changed_bytes_are_named_and_refused(toy_run, tmp_path, action, pattern):
    """The rest of the run is shown; after the named folder is deleted the same command mends it."""
    whole = toy_run()
    path = a_file(tmp_path, action, pattern)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    done = toy_run()
    assert done.code == 2
    assert str(path) in done.error
    folder = done.error.split("delete ")[1].split(" and run again")[0]
    shutil.rmtree(folder)
    again = toy_run()
    assert again.code == 0, again.err
    assert again.out == whole.out


def test_a_damaged_score_is_in_no_table(toy_run, bench, tmp_path):
    toy_run()
    path = a_file(tmp_path, "segscore", "per_image.csv")
    path.write_text(path.read_text().replace("0.", "9."))
    done = toy_run()
    assert done.code == 2
    assert "9." not in done.out.split("* ")[0]
    shown = bench("leaderboard", "--results", tmp_path / "results")
    assert shown.code == 2
    assert str(path) in shown.error


def test_a_bit_that_turns_in_an_unfinished_set_changes_no_table(work):
    """The image is told and made again, and all the others are kept."""
    process = work.paused()
    process.kill()
    process.communicate()
    path = sorted(work.results.glob("store/sample/.*.partial/out/images/*.png"))[0]
    data = path.read_bytes()
    path.write_bytes(bytes([*data[:-20], data[-20] ^ 1, *data[-19:]]))
    work.pause.unlink()
    resumed = work.again()
    assert f"{path}: damaged, and made again" in resumed.err
    images = [line for line in work.done() if line.startswith("image")]
    assert (len(images), images.count(f"image {path.stem}")) == (7, 2)
    shutil.rmtree(work.results)
    assert work.again().out == resumed.out


def test_a_run_leaves_what_it_made_and_nothing_else(work):
    """After a kill and a resume: no lock, no workspace, no part of a file, in any folder of the results."""
    process = work.paused()
    process.kill()
    process.communicate()
    assert list(work.results.rglob(".*.lock"))
    part = f".x.{HOST}-{process.pid}.part"
    (unfinished,) = work.results.glob("store/sample/.*.partial")
    for folder in ("cache/features", "runs", "tables/a", unfinished / "out" / "images"):
        (work.results / folder).mkdir(parents=True, exist_ok=True)
        (work.results / folder / part).touch()
    work.pause.unlink()
    assert work.again().code == 0
    assert not list(work.results.rglob(".*"))


def test_unfinished_work_is_told_by_doctor(work, bench):
    """Another run leaves it alone."""
    process = work.paused()
    process.kill()
    process.communicate()
    (unfinished,) = work.results.glob("store/sample/.*.partial")
    kept = sorted(unfinished.rglob("*"))
    bench("run", *TOY_RUN, "--dataset", "folder", "--data", work.folder / "data", "--results", work.results)
    assert sorted(unfinished.rglob("*")) == kept
    done = bench("doctor", "--results", work.results)
    (line,) = (line for line in done.out.splitlines() if ".partial" in line)
    assert re.fullmatch(rf" +0\.\d MB, 0\.0 h old: rm -r {unfinished}", line)
    shutil.rmtree(unfinished)
    assert ".partial" not in bench("doctor", "--results", work.results).out


@pytest.mark.parametrize(
    "damage",
    [lambda path: path.write_text(path.read_text()[:40]), os.remove, lambda path: path.write_text("[]"),
     lambda path: path.write_text(path.read_text().replace('"label": "', '"label": "x'))],
)  # fmt: skip
def test_a_truncated_or_lost_record_is_named_and_refused(toy_run, tmp_path, damage):
    toy_run()
    path = a_file(tmp_path, "sample", "record.json")
    damage(path)
    done = toy_run()
    assert done.code == 2
    assert f"{path}: " in done.error
    assert f"delete {path.parent} " in done.error


@pytest.mark.parametrize("damage", [lambda text: text[:100], lambda text: text.replace('"seed": 0', '"seed": 1')])
def test_a_damaged_run_file_is_named(toy_run, bench, tmp_path, damage):
    toy_run()
    path = next((tmp_path / "results" / "runs").iterdir())
    path.write_text(damage(path.read_text()))
    done = bench("leaderboard", "--results", tmp_path / "results")
    assert done.code == 2
    assert str(path) in done.error
    assert "delete it" in done.error
