"""What a run shows on a terminal of a given width, without a terminal, and in its log."""

import contextlib
import fcntl
import io
import os
import re
import struct
import sys
import termios
import time

import pytest

from bench.progress import display
from bench.progress.display import Display
from bench.progress.time_left import Expected, TimeLeft

PARTS = {"loss": 1.2345, "mask": 0.34567, "image": 0.00045678, "consistency": 0.012345, "augmented": 0.56789}


def work(shown, pause=0.0, after=lambda: None):
    with shown:
        shown.plan(TimeLeft({"a": Expected("fit", 8.0), "b": Expected("score")}))
        with shown.stage("fit some-generator", "a") as progress, progress.bar(360, "step", done=60) as bar:
            for _ in range(3):
                time.sleep(pause)
                bar.update(10, **PARTS)
            after()
            progress.say("made anew")
        with shown.stage("score", "b"):
            shown.note("a detail")


@contextlib.contextmanager
def terminal(columns, monkeypatch):
    """A pseudo-terminal in stderr's place; gives a function that reads the lines drawn so far, cursor moves removed."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with open(slave, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")

        os.set_blocking(master, False)
        drawn = bytearray()

        def read():
            with contextlib.suppress(BlockingIOError):
                drawn.extend(os.read(master, 1 << 20))
            text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode(errors="ignore"))
            return [line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip()]

        yield read
    os.close(master)


@pytest.mark.parametrize("columns", [80, 200])
def test_the_whole_run_the_stage_and_every_number_fit_the_terminal(columns, monkeypatch):
    """Drawn a few times a second, so the test waits for what it looks for."""
    run, stage = (
        re.compile(r"run: 0 of 2 stages, \d+ s left$"),
        re.compile(r"fit some-generator: 90/360 steps, .* step/s$"),
    )
    with terminal(columns, monkeypatch) as read:

        def wait():
            for _ in range(600):
                if all(any(one.search(line) for line in read()) for one in (run, stage)):
                    return
                time.sleep(0.1)

        work(Display(), after=wait)
        lines = read()
    assert max(map(len, lines)) <= columns
    assert any(run.search(line) for line in lines)
    assert any(stage.search(line) for line in lines)
    assert all(any(f"{name}={value:.3g}" in line for line in lines) for name, value in PARTS.items())
    assert "fit some-generator: made anew" in lines, "it stands whole above what is drawn"
    assert not any("a detail" in line for line in lines)


def test_without_a_terminal_a_line_now_and_then(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    work(Display())
    assert stream.getvalue() == "fit some-generator: made anew\n"
    monkeypatch.setattr(display, "INTERVAL", 0.2)
    work(Display(), pause=0.3)
    first = stream.getvalue().splitlines()[1]
    assert re.fullmatch(
        r"0 of 2 stages, \d+ s left: fit some-generator, 70/360 steps, .* left, .* step/s, loss=1.23, .*", first
    )


def test_the_log_has_every_line_and_verbose_shows_it(tmp_path, capsys):
    log = tmp_path / "logs" / "run.log"
    shown = Display()
    shown.note("told before")
    shown.open_log(log)
    work(shown)
    kept = log.read_text(encoding="utf-8")
    assert all(line in kept for line in ("told before", "goes on at 60 of 360 steps", "made anew", "a detail"))
    assert capsys.readouterr().err == "fit some-generator: made anew\n"
    work(Display(verbose=True))
    assert "a detail" in capsys.readouterr().err
    work(Display(lines=False))
    assert capsys.readouterr().err == ""
